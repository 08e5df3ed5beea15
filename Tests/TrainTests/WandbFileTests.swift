import Configuration
import Formats
import Foundation
import Loggers
import TestSupport
import Testing

/// The run file of Weights & Biases, read as its own program reads it: records cut into blocks, fields by their numbers.
@Suite("Runs of Weights & Biases")
struct WandbFileTests {
    /// A field of a message of Protocol Buffers: a number, or the bytes of a text or of another message.
    private struct Field {
        let number: Int
        var value = 0
        var bytes: ArraySlice<UInt8> = []

        var text: String { String(decoding: bytes, as: UTF8.self) }
        var fields: [Field] { Field.list(bytes) }

        static func list(_ bytes: ArraySlice<UInt8>) -> [Field] {
            var (fields, place) = ([Field](), bytes.startIndex)
            func varint() -> Int {
                var (value, shift) = (0, 0)
                while place < bytes.endIndex {
                    let byte = bytes[place]
                    place += 1
                    value |= Int(byte & 127) << shift
                    shift += 7
                    if byte < 128 { break }
                }
                return value
            }
            while place < bytes.endIndex {
                let key = varint()
                var field = Field(number: key >> 3)
                if key & 7 == 0 {
                    field.value = varint()
                } else {
                    let count = varint()
                    field.bytes = bytes[place..<min(place + count, bytes.endIndex)]
                    place += count
                }
                fields.append(field)
            }
            return fields
        }
    }

    /// The records of a run file; a part whose checksum is wrong ends them.
    private func records(_ file: [UInt8]) -> [[UInt8]] {
        var (records, open, place) = ([[UInt8]](), [UInt8](), 7)
        while place + 7 <= file.count {
            let room = 32768 - place % 32768
            guard room >= 7 else {
                place += room
                continue
            }
            let length = Int(file[place + 4]) | Int(file[place + 5]) << 8
            let kind = file[place + 6]
            guard place + 7 + length <= file.count, length + 7 <= room else { break }
            let part = Array(file[place + 7..<place + 7 + length])
            var checksum: UInt32 = 0
            for byte in (0..<4).reversed() { checksum = checksum << 8 | UInt32(file[place + byte]) }
            guard checksum == Self.checksum([kind] + part) else { break }
            open += part
            if kind == 1 || kind == 4 {
                records.append(open)
                open = []
            }
            place += 7 + length
        }
        return records
    }

    /// CRC-32 of zlib, bit by bit.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var sum = UInt32.max
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 {
                let isOdd = sum & 1 == 1
                sum >>= 1
                if isOdd { sum ^= 0xEDB8_8320 }
            }
        }
        return ~sum
    }

    /// Names and JSON texts of items, each under field 1.
    private func items(_ message: [Field]) -> [String: String] {
        var texts: [String: String] = [:]
        for item in message where item.number == 1 {
            let fields = item.fields
            guard let name = fields.first(where: { $0.number == 1 }) else { continue }
            texts[name.text] = fields.first { $0.number == 16 }?.text
        }
        return texts
    }

    @Test("header, run, rows of the history with their steps, files, summary and end are where wandb looks for them")
    func run() throws {
        let folder = try TemporaryFolder()
        var settings = WandbLoggerConfiguration()
        (settings.saveDir, settings.version, settings.project) = (folder.root.path, "abc123", "arms")
        (settings.name, settings.group, settings.jobType) = ("first", "g", "train")
        // Longer than two blocks, so that its record is cut.
        settings.notes = String(repeating: "x", count: 70_000) + " é"
        settings.tags = ["a", "b"]
        let start = LoggerStart(
            defaultRoot: "/",
            hyperParameters: .map(["lr": .double(1e-3), "data": .map(["mix": .list([.string("m")])])]),
            environment: [:], now: Date(timeIntervalSince1970: 1_796_127_596.25))
        let logger = try settings.open(start)
        #expect(logger.directory == folder.root.path + "/wandb/offline-run-20261201_121956-abc123")
        try logger.log(step: 4, values: [("loss", 0.5), ("nan", .nan)])
        try logger.log(step: 4, values: [("loss", 0.25)])
        try logger.histogram(step: 4, tag: "uses", counts: [3, 1])
        try logger.image(step: 9, tag: "codes/a", PNGImage(width: 1, height: 1, pixels: [1, 2, 3]))
        try logger.log(step: 9, values: [("loss", 1e-9)])
        try logger.close()

        let file = try [UInt8](Data(contentsOf: URL(fileURLWithPath: logger.directory + "/run-abc123.wandb")))
        #expect(Array(file.prefix(7)) == Array(":W&B".utf8) + [0xE1, 0xBE, 0])
        let records = records(file).map { Field.list($0[...]) }
        // Each is its number and one message, by wandb_internal.proto: header, run, files, history, summary, exit.
        #expect(records.map { $0.map(\.number) } == [21, 17, 6, 2, 2, 3, 18].map { [1, $0] })
        #expect(records.map { $0[0].value } == Array(1...7))
        try #require(records.count == 7)
        let bodies = records.map { $0[1].fields }

        func text(_ number: Int, of record: Int) -> [String] {
            bodies[record].filter { $0.number == number }.map(\.text)
        }
        let texts = [(1, "abc123"), (3, "arms"), (6, "g"), (7, "train"), (8, "first"), (9, settings.notes ?? "")]
        for (number, expected) in texts { #expect(text(number, of: 1) == [expected], "field \(number)") }
        #expect(text(10, of: 1) == ["a", "b"])
        let config = items(try #require(bodies[1].first { $0.number == 4 }).fields)
        #expect(config == ["lr": "0.001", "data": "{\"mix\": [\"m\"]}"])
        let time = try #require(bodies[1].first { $0.number == 17 }).fields
        #expect(time.map(\.value) == [1_796_127_596, 250_000_000])

        let rows = [items(bodies[3]), items(bodies[4])]
        #expect(rows[0]["loss"] == "0.25" && rows[0]["nan"] == "\"NaN\"" && rows[0]["_step"] == "4")
        let histogram = "{\"_type\": \"histogram\", \"values\": [3.0, 1.0], \"bins\": [-0.5, 0.5, 1.5]}"
        #expect(rows[0]["uses"] == histogram)
        #expect(rows[1]["loss"] == "1e-09" && rows[1]["_step"] == "9")
        #expect(bodies[3...4].map { $0.first { $0.number == 2 }?.fields.first?.value } == [4, 9])
        #expect(items(bodies[5])["loss"] == "1e-09" && items(bodies[5])["_step"] == "9")

        let path = try #require(bodies[2].first).fields.first?.text ?? ""
        #expect(rows[1]["codes/a"]?.contains("\"path\": \"\(path)\"") == true)
        #expect(FileManager.default.fileExists(atPath: "\(logger.directory)/files/\(path)"))
    }
}
