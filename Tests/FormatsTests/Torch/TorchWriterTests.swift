import Formats
import Foundation
import TestSupport
import Testing

@Suite struct TorchWriterTests {
    @Test("what was read and written again reads as the same", arguments: TorchFileTests.valid)
    func roundTrip(name: String) throws {
        let folder = try TemporaryFolder()
        let original = try TorchFile(path: Goldens.url("wan/pth_format/\(name)").path)
        try TorchFile.write(original.root, to: folder.path("copy.pth"))
        let content = try #require(TorchFileTests.expected?["valid"]?[name]?["content"])
        var tree = ExpectedTree()
        tree.compare(try TorchFile(path: folder.path("copy.pth")).root, content)
        #expect(tree.differences.isEmpty)
    }

    @Test("a file of torch is written again with the same entries, positions and sizes")
    func sameLayout() throws {
        let folder = try TemporaryFolder()
        let source = Goldens.url("lam/lightning_ckpt/cli_fp32/last.ckpt")
        try TorchFile.write(
            TorchFile(path: source.path).root, to: folder.path("again.ckpt"), rootFolder: "archive")
        let original = try Data(contentsOf: source)
        let copy = try Data(contentsOf: folder.url("again.ckpt"))
        if let dump = ProcessInfo.processInfo.environment["DUMP"] { try copy.write(to: URL(fileURLWithPath: dump)) }
        #expect(copy.count == original.count)
    }

    @Test("storages that several tensors view are written once")
    func sharedStorage() throws {
        let folder = try TemporaryFolder()
        let views = try TorchFile(path: Goldens.url("wan/pth_format/valid/views.pth").path)
        try TorchFile.write(views.root, to: folder.path("views.pth"))
        let base = try #require(views.root["base"]?.tensor)
        let copy = try TorchFile(path: folder.path("views.pth")).root
        let first = try #require(copy["base"]?.tensor)
        let second = try #require(copy["t"]?.tensor)
        #expect(first.storage === second.storage)
        #expect(first.storage.elements.bytes() == base.storage.elements.bytes())
    }
}
