import DataCore
import Foundation

/// What is asked of libhdf5.
enum HDF5Request: Sendable {
    case contents(path: String, number: Int, filter: String?)
    case array(path: String, object: String)
    case chunks(path: String, object: String, offsets: [[Int]])
    case rows(path: String, object: String, first: Int, count: Int)

    var path: String {
        switch self {
        case .contents(let path, _, _), .array(let path, _), .chunks(let path, _, _),
            .rows(let path, _, _, _):
            path
        }
    }

    var object: String {
        switch self {
        case .contents: "file"
        case .array(_, let object), .chunks(_, let object, _), .rows(_, let object, _, _): object
        }
    }

    var message: HDF5Message {
        let texts = [path, object].map { Array($0.utf8) }
        return switch self {
        case .contents(_, let number, let filter):
            HDF5Message(numbers: [0, number], texts: texts + (filter.map { [Array($0.utf8)] } ?? []))
        case .array: HDF5Message(numbers: [1], texts: texts)
        case .chunks(_, _, let offsets):
            HDF5Message(numbers: [2, offsets.first?.count ?? 0] + offsets.flatMap { $0 }, texts: texts)
        case .rows(_, _, let first, let count): HDF5Message(numbers: [3, first, count], texts: texts)
        }
    }

    /// - Returns: nil for something else than a request.
    init?(_ message: HDF5Message) {
        let (numbers, texts) = (
            message.numbers, message.texts.map { String(decoding: $0, as: UTF8.self) }
        )
        guard texts.count >= 2, let kind = numbers.first else { return nil }
        switch (kind, numbers.count) {
        case (0, 2):
            self = .contents(path: texts[0], number: numbers[1], filter: texts.count > 2 ? texts[2] : nil)
        case (1, 1): self = .array(path: texts[0], object: texts[1])
        case (2, 2...) where numbers[1] > 0:
            let offsets = stride(from: 2, to: numbers.count, by: numbers[1]).map {
                Array(numbers[$0..<min($0 + numbers[1], numbers.count)])
            }
            self = .chunks(path: texts[0], object: texts[1], offsets: offsets)
        case (3, 3):
            self = .rows(path: texts[0], object: texts[1], first: numbers[1], count: numbers[2])
        default: return nil
        }
    }
}

/// The answer to a request.
struct HDF5Answer: Sendable {
    /// What is not asked for each frame.
    enum Value: Codable, Sendable {
        case fault(HDF5Fault)
        case contents(HDF5Contents)
        case array(HDF5Array.Description)
    }

    var value: Value?
    var chunks: [HDF5Chunk] = []
    var rows: [UInt8] = []

    var message: HDF5Message {
        HDF5Message(
            numbers: chunks.flatMap { [$0.bytes.count, Int($0.filtersLeftOut)] },
            texts: value.flatMap { try? JSONEncoder().encode($0) }.map { [Array($0)] } ?? [],
            bytes: chunks.isEmpty ? rows : chunks.count == 1 ? chunks[0].bytes : chunks.flatMap(\.bytes))
    }

    init(_ value: Value) { self.value = value }
    init(chunks: [HDF5Chunk]) { self.chunks = chunks }
    init(rows: [UInt8]) { self.rows = rows }

    /// - Returns: nil for something else than an answer.
    init?(_ message: HDF5Message) {
        if let text = message.texts.first {
            guard let value = try? JSONDecoder().decode(Value.self, from: Data(text)) else { return nil }
            self.value = value
        }
        guard !message.numbers.isEmpty else {
            rows = message.bytes
            return
        }
        var start = 0
        for place in stride(from: 0, to: message.numbers.count - 1, by: 2) {
            let size = message.numbers[place]
            guard size >= 0, size <= message.bytes.count - start else { return nil }
            let isAll = size == message.bytes.count
            chunks.append(
                HDF5Chunk(
                    bytes: isAll ? message.bytes : Array(message.bytes[start..<start + size]),
                    filtersLeftOut: UInt32(truncatingIfNeeded: message.numbers[place + 1])))
            start += size
        }
    }
}

/// A `DataError` on its way from another process.
enum HDF5Fault: Codable, Sendable {
    case unreadable(path: String, object: String, reason: String)
    case invalid(path: String, object: String, expected: String, got: String)
    case refused(path: String, object: String, feature: String)
    case other(String)

    init(_ error: any Error) {
        switch error {
        case DataError.unreadableHDF5(let path, let object, let reason):
            self = .unreadable(path: path, object: object, reason: reason)
        case DataError.invalidHDF5(let path, let object, let expected, let got):
            self = .invalid(path: path, object: object, expected: expected, got: got)
        case DataError.refusedHDF5(let path, let object, let feature):
            self = .refused(path: path, object: object, feature: feature)
        default: self = .other("\(error)")
        }
    }

    var error: DataError {
        switch self {
        case .unreadable(let path, let object, let reason):
            .unreadableHDF5(path: path, object: object, reason: reason)
        case .invalid(let path, let object, let expected, let got):
            .invalidHDF5(path: path, object: object, expected: expected, got: got)
        case .refused(let path, let object, let feature):
            .refusedHDF5(path: path, object: object, feature: feature)
        case .other(let text): .told(text)
        }
    }
}
