import Foundation
import LAMData
import TestSupport
import Testing

/// Where datasets of a mix are looked for. Tests that depend on the current folder run the program: `Acceptance`.
@Suite("Datasets by name")
struct CatalogPathTests {
    @Test("a tilde in data.root is the home folder")
    func tilde() throws {
        let home = FileManager.default.homeDirectoryForCurrentUser.path
        let options = StreamOptions(datasetMix: [.init("nothing-there", 1)], root: "~/no-such-folder")
        let error = #expect(throws: StreamError.self) { try StreamSource.open(options) }
        let text = "\(try #require(error))"
        #expect(text.contains("\(home)/no-such-folder/nothing-there") && !text.contains("~"))
    }

    @Test("a rule without a pattern holds for all datasets")
    func emptyPattern() throws {
        var options = StreamOptions(datasetMix: [.init("isaac_flat.hdf5", 1)], root: CaseDataset.path(""))
        #expect(throws: DataError.self) { try StreamSource.open(options) }
        options.fps = [.init(pattern: "", fps: 30)]
        #expect(try StreamSource.open(options).first?.fps == 30)
    }
}
