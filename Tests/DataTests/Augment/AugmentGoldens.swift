import Foundation
import LAMData
import TestSupport

/// torchvision's results on PIL images (Tests/Goldens/data/README.md, "augment/").
struct AugmentGoldens: Sendable {
    struct Case: Decodable, Sendable, CustomStringConvertible {
        struct Parameters: Decodable, Sendable {
            struct Crop: Decodable, Sendable {
                var top, left, height, width: Int
                var size: [Int]
            }
            var size: [Int]?
            var top, left, height, width: Int?
            var factor: Double?
            var order: [String]?
            var factors: [String: Double]?
            var crop: Crop?
            var final_resize: [Int]?
        }
        var op: String
        var input: String
        var params: Parameters
        var output: String
        var description: String { "\(output) = \(op)(\(input))" }
    }

    private struct Index: Decodable { var cases: [Case] }
    private struct Entry: Decodable {
        var shape: [Int]
        var data_offsets: [Int]
    }

    static let cases: [Case] = {
        // SAFETY: a file of the repository; without it no test of this suite means anything.
        let data = try! Data(contentsOf: Goldens.url("data/augment/augment.json"))
        return try! JSONDecoder().decode(Index.self, from: data).cases
    }()

    static let shared = AugmentGoldens()

    private let entries: [String: Entry]
    private let bytes: Data

    private init() {
        // SAFETY: as above; the layout is that of safetensors: length, header, bytes.
        let file = try! Data(contentsOf: Goldens.url("data/augment/augment.safetensors"))
        let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let header = try! JSONSerialization.jsonObject(with: file[8..<(8 + length)]) as! [String: Any]
        entries = header.filter { $0.key != "__metadata__" }.mapValues {
            let entry = $0 as! [String: Any]
            return Entry(shape: entry["shape"] as! [Int], data_offsets: entry["data_offsets"] as! [Int])
        }
        bytes = Data(file[(8 + length)...])
    }

    func image(_ name: String) -> RGBImage? {
        guard let entry = entries[name] else { return nil }
        let pixels = [UInt8](bytes[entry.data_offsets[0]..<entry.data_offsets[1]])
        return RGBImage(width: entry.shape[1], height: entry.shape[0], pixels: pixels)
    }
}

/// How far two images of one size are apart.
struct ImageDifference {
    var largest = 0
    var mean = 0.0

    init(_ first: RGBImage, _ second: RGBImage) {
        precondition((first.width, first.height) == (second.width, second.height))
        var sum = 0
        for (a, b) in zip(first.pixels, second.pixels) {
            let difference = abs(Int(a) - Int(b))
            largest = max(largest, difference)
            sum += difference
        }
        mean = Double(sum) / Double(max(1, first.pixels.count))
    }
}
