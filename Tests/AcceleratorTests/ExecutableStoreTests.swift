import AcceleratorTestSupport
import Foundation
import PJRT
import Testing
import TestSupport

import Accelerator

@Suite("Compiled programs on disk")
struct ExecutableStoreTests {
    private func files(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder)
    }

    @Test("what is kept comes back; what was damaged or is of something else does not")
    func keeps() throws {
        let folder = try TemporaryFolder(), store = ExecutableStore(folder: folder.root.path + "/new")
        let key = ExecutableStore.Key(["text", "options"]), bytes = (0..<1000).map { UInt8($0 % 251) }
        #expect(store.load(key) == nil)
        store.save(bytes, key)
        #expect(store.load(key) == bytes)
        #expect(store.load(ExecutableStore.Key(["text", "others"])) == nil)
        #expect(store.load(ExecutableStore.Key(["textoptions"])) == nil)
        let path = try store.folder + "/" + #require(files(store.folder).first)
        var damaged = try #require(FileManager.default.contents(atPath: path))
        damaged[500] ^= 1
        try damaged.write(to: URL(fileURLWithPath: path))
        #expect(store.load(key) == nil)
        try damaged.prefix(10).write(to: URL(fileURLWithPath: path))
        #expect(store.load(key) == nil)
    }

    @Test("the files that were used the longest ago go first")
    func bounded() throws {
        let folder = try TemporaryFolder(), store = ExecutableStore(folder: folder.root.path, limit: 3500)
        let keys = (0..<4).map { ExecutableStore.Key(["\($0)"]) }
        for (number, key) in keys.prefix(3).enumerated() {
            store.save([UInt8](repeating: UInt8(number), count: 1000), key)
        }
        let now = Date()
        for (number, file) in try files(folder.root.path).enumerated() {
            try FileManager.default.setAttributes(
                [.modificationDate: now.addingTimeInterval(-1000 - Double(number))],
                ofItemAtPath: folder.root.path + "/" + file)
        }
        _ = store.load(keys[1])
        store.save([UInt8](repeating: 3, count: 1000), keys[3])
        #expect(try files(folder.root.path).count == 3)
        #expect(store.load(keys[1]) != nil)
        #expect(store.load(keys[3]) != nil)
        store.save([UInt8](repeating: 3, count: 5000), ExecutableStore.Key(["more than there may be"]))
        #expect(try files(folder.root.path).count == 3)
    }

    @Test("a step that was compiled before is loaded, and gives the same bits", .enabled(if: TestPlugin.isThere))
    func loadsSteps() throws {
        let folder = try TemporaryFolder(), client = try #require(TestPlugin.client)
        let settings = CompilationSettings(
            options: TestPlugin.options, store: ExecutableStore(folder: folder.root.path))
        func train() throws -> (losses: [Double], statistics: RecordingBackend.Statistics) {
            let backend = RecordingBackend(client, settings: settings)
            let training = SmallTraining(.stage1, on: backend)
            return (try (1...3).map { try training.step($0, keepsGradients: false).loss }, backend.statistics)
        }
        let (first, again) = (try train(), try train())
        #expect(first.statistics.loads == 0)
        #expect(again.statistics.loads == (try files(folder.root.path).count) && again.statistics.loads > 0)
        #expect(first.losses == again.losses)
        for file in try files(folder.root.path) {
            try Data("damaged".utf8).write(to: URL(fileURLWithPath: folder.root.path + "/" + file))
        }
        #expect(try train().losses == first.losses)
    }
}
