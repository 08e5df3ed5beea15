import Formats
import Foundation
import TestSupport
import Testing

@Suite struct EventFileWriterTests {
    @Test("a file starts with its version and holds scalars and images in order, with valid checksums")
    func content() throws {
        let folder = try TemporaryFolder()
        let png = try PNGImage(width: 2, height: 3, pixels: [UInt8](0..<18)).encoded()
        do {
            let writer = try EventFileWriter(folder: folder.root.path, host: "robot", time: 1000.5)
            try writer.scalar("train/mse_loss", 0.25, step: 7, time: 1001)
            try writer.scalar("lr", -.infinity, step: 1 << 40, time: 1002)
            try writer.image("samples", png: png, width: 2, height: 3, step: 8, time: 1003)
            try writer.text("note", "*hi*", step: 9, time: 1004)
        }
        let name = "events.out.tfevents.1000.robot.\(ProcessInfo.processInfo.processIdentifier).0"
        #expect(try folder.names() == [name])

        let events = try EventFile(Data(contentsOf: folder.url(name)))
        #expect(events.records.count == 5)
        #expect(events.records[0][3]?.text == "brain.Event:2")
        #expect(events.records[0][1]?.double == 1000.5)
        let loss = try #require(events.records[1][5]?.message?[1]?.message)
        #expect(events.records[1][2]?.number == 7)
        #expect(loss[1]?.text == "train/mse_loss")
        #expect(loss[2]?.float == 0.25)
        #expect(events.records[2][2]?.number == 1 << 40)
        #expect(events.records[2][5]?.message?[1]?.message?[2]?.float == -.infinity)
        let image = try #require(events.records[3][5]?.message?[1]?.message?[4]?.message)
        #expect(image[1]?.number == 3 && image[2]?.number == 2 && image[3]?.number == 3)
        #expect(try PNGImage(png: image[4]?.content ?? []).pixels == [UInt8](0..<18))
    }

    @Test("a second writer in the same second gets a file of its own")
    func distinctFiles() throws {
        let folder = try TemporaryFolder()
        let first = try EventFileWriter(folder: folder.root.path, host: "h", time: 5)
        let second = try EventFileWriter(folder: folder.root.path, host: "h", time: 5)
        #expect(first.path != second.path)
    }

    @Test("events reach the file by flush, and when the last flush was long ago")
    func flushes() throws {
        let folder = try TemporaryFolder()
        let writer = try EventFileWriter(folder: folder.root.path, host: "h", time: 100, flushSeconds: 10)
        func count() throws -> Int { try EventFile(Data(contentsOf: URL(fileURLWithPath: writer.path))).records.count }
        #expect(try count() == 1)
        try writer.scalar("a", 1, step: 1, time: 105)
        #expect(try count() == 1)
        try writer.scalar("a", 1, step: 2, time: 110)
        #expect(try count() == 3)
        try writer.scalar("a", 1, step: 3, time: 111)
        try writer.flush()
        #expect(try count() == 4)
    }

    @Test("a folder that does not exist is an error that names it")
    func missingFolder() throws {
        let folder = try TemporaryFolder()
        #expect(throws: FormatError.self) { try EventFileWriter(folder: folder.path("none")) }
    }
}

/// Reads TFRecords and protobuf fields, written apart from the writer it checks.
private struct EventFile {
    struct Field {
        let content: [UInt8]
        var number: Int { Int(truncatingIfNeeded: bits) }
        var double: Double { Double(bitPattern: bits) }
        var float: Float { Float(bitPattern: UInt32(truncatingIfNeeded: bits)) }
        var text: String { String(decoding: content, as: UTF8.self) }
        var message: [Int: Field]? { try? EventFile.fields(content) }
        private var bits: UInt64 { content.enumerated().reduce(0) { $0 | UInt64($1.element) << (8 * UInt64($1.offset)) } }
    }
    struct Malformed: Error {}

    var records: [[Int: Field]] = []

    init(_ data: Data) throws {
        var rest = [UInt8](data)[...]
        func take(_ count: Int) throws -> [UInt8] {
            guard rest.count >= count else { throw Malformed() }
            defer { rest = rest.dropFirst(count) }
            return [UInt8](rest.prefix(count))
        }
        while !rest.isEmpty {
            let length = try take(8)
            guard try take(4) == Self.maskedChecksum(length) else { throw Malformed() }
            let record = try take(Field(content: length).number)
            guard try take(4) == Self.maskedChecksum(record) else { throw Malformed() }
            records.append(try Self.fields(record))
        }
    }

    static func fields(_ bytes: [UInt8]) throws -> [Int: Field] {
        var fields: [Int: Field] = [:]
        var rest = bytes[...]
        func varint() throws -> UInt64 {
            var value: UInt64 = 0
            for shift in stride(from: UInt64(0), to: 64, by: 7) {
                guard let byte = rest.popFirst() else { throw Malformed() }
                value |= UInt64(byte & 0x7F) << shift
                if byte < 0x80 { return value }
            }
            throw Malformed()
        }
        while !rest.isEmpty {
            let key = Int(try varint())
            let count: Int
            switch key & 7 {
            case 0:
                let value = try varint()
                fields[key >> 3] = Field(content: withUnsafeBytes(of: value.littleEndian) { [UInt8]($0) })
                continue
            case 1: count = 8
            case 2: count = Int(try varint())
            case 5: count = 4
            default: throw Malformed()
            }
            guard rest.count >= count else { throw Malformed() }
            fields[key >> 3] = Field(content: [UInt8](rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return fields
    }

    /// Bit by bit, as the polynomial is defined.
    private static func maskedChecksum(_ bytes: [UInt8]) -> [UInt8] {
        var crc: UInt32 = .max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
        }
        crc = ~crc
        let masked = (crc >> 15 | crc << 17) &+ 0xA282_EAD8
        return (0..<4).map { UInt8(truncatingIfNeeded: masked >> (8 * $0)) }
    }
}
