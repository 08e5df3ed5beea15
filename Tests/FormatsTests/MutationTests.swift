import Formats
import Foundation
import TestSupport
import Testing

/// Damaged files end in a typed error or in data that can be used; the test process survives them all.
@Suite struct MutationTests {
    private static let count = 1000

    /// Reads everything a caller could reach.
    private func use(_ value: PickleValue) {
        switch value {
        case .list(let values), .tuple(let values): for value in values { use(value) }
        case .dict(let dict): for (_, value) in dict.entries { use(value) }
        case .object(let object):
            for value in object.arguments ?? [] { use(value) }
            for (_, value) in object.entries.entries { use(value) }
            if let state = object.state { use(state) }
        case .tensor(let tensor): _ = tensor.contiguous().floats()
        default: break
        }
    }

    /// A new file each time: some file systems flush to disk when an old one is overwritten.
    private func replace(_ url: URL, _ bytes: [UInt8]) throws {
        try? FileManager.default.removeItem(at: url)
        try Data(bytes).write(to: url)
    }

    @Test(
        "damaged torch files",
        arguments: [
            "views", "shapes", "parameter", "ordered", "protocol4", "nested", "size_dtype_device", "legacy_shared",
            "zip64",
            "deflated", "bigendian",
        ])
    func torch(name: String) throws {
        let folder = try TemporaryFolder()
        let original = try [UInt8](Data(contentsOf: Goldens.url("wan/pth_format/valid/\(name).pth")))
        // Opcodes of calls, containers, memo and numbers, and the letters of zip signatures.
        var mutator = Mutator(
            seed: 1, vocabulary: Array("()tR}u]aebcq0QhjKMJGXPK".utf8) + [1, 2, 5, 6, 7, 0x80, 0x85, 0x8A, 0x93, 0x94])
        var readable = 0
        for round in 0..<Self.count {
            // The pickle lies in front, the directory at the end.
            let hot = round.isMultiple(of: 2) ? 0..<1200 : max(0, original.count - 900)..<original.count
            let bytes = mutator.mutate(original, hot: hot)
            try replace(folder.url("t.pth"), bytes)
            do throws(FormatError) {
                // Checksums would hide most of the damage from the parsers behind them.
                use(try TorchFile(path: folder.path("t.pth"), verifiesChecksums: false).root)
                readable += 1
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
        #expect(readable < Self.count)
    }

    @Test("damaged safetensors files")
    func safeTensors() throws {
        let folder = try TemporaryFolder()
        try SafeTensors.write(
            [
                "a": StoredTensor(floats: [1, 2, 3, 4], shape: [2, 2]), "b": StoredTensor(int64s: [5], shape: []),
                "é\"": StoredTensor(elementType: .bool, shape: [3, 1], bytes: [0, 1, 1]),
            ], metadata: ["format": "pt"], to: folder.path("t.safetensors"))
        let original = try [UInt8](Data(contentsOf: folder.url("t.safetensors")))
        var mutator = Mutator(seed: 2, vocabulary: Array("{}[]:,\"\\u0919-.eE nt".utf8))
        var readable = 0
        for _ in 0..<4 * Self.count {
            try replace(folder.url("t.safetensors"), mutator.mutate(original, hot: 0..<original.count - 24))
            do throws(FormatError) {
                let file = try SafeTensors(path: folder.path("t.safetensors"))
                for (_, tensor) in file.tensors { _ = tensor.floats() }
                readable += 1
            } catch {
                #expect(!error.description.isEmpty)
            }
        }
        #expect(readable < 4 * Self.count)
    }
}
