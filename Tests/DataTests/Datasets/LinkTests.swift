import Conversion
import Foundation
import LAMData
import TestSupport
import Testing

/// Links that lead out of a dataset, and rows that are not sound.
@Suite struct LinkTests {
    private func copy(_ folder: TemporaryFolder) throws -> String {
        let root = folder.path("ds")
        try FileManager.default.copyItem(atPath: Goldens.url("datasets/toto_push_lf_v21").path, toPath: root)
        return root
    }

    @Test("a link out of a dataset is not followed into a copy, one within it is")
    func links() throws {
        let folder = try TemporaryFolder()
        let root = try copy(folder)
        try Data("secret".utf8).write(to: folder.url("secret"))
        let dataset = try LeRobotDataset(root: root, name: "ds")
        let manager = FileManager.default
        try manager.createSymbolicLink(atPath: "\(root)/meta/own", withDestinationPath: "info.json")
        #expect(throws: Never.self) { try dataset.requireOwn("\(root)/meta/own") }
        try manager.createSymbolicLink(atPath: "\(root)/meta/notes", withDestinationPath: folder.path("secret"))
        #expect(throws: DataError.self) { try dataset.requireOwn("\(root)/meta/notes") }
        #expect(throws: DataError.self) {
            try DatasetExtension(dataset, columns: []).write(to: folder.path("copy"), values: { _ in [] })
        }
        #expect(!manager.fileExists(atPath: folder.path("copy/meta/notes")))
    }
}
