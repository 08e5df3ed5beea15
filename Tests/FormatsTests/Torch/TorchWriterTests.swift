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

    @Test("a torch file is written again byte for byte, except for its serialization id",
        arguments: ["latent_record", "dtypes", "ordered", "size_dtype_device", "many"])
    func sameBytes(name: String) throws {
        let folder = try TemporaryFolder()
        let source = Goldens.url("wan/pth_format/valid/\(name).pth")
        try TorchFile.write(TorchFile(path: source.path).root, to: folder.path("\(name).pth"))
        let original = try Data(contentsOf: source)
        let copy = try Data(contentsOf: folder.url("\(name).pth"))
        try #require(copy.count == original.count)
        let differing = zip(copy, original).count { $0 != $1 }
        // 40 digits and their CRC-32 behind them and in the directory.
        #expect(differing <= 48)
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
