import Formats
import Foundation
import Conversion
import LAMData
import TestSupport
import Testing

/// Copies of datasets that lie on a server.
@Suite struct HubExtensionTests {
    @Test(
        "a copy of a hub's dataset has all of its files, statistics too",
        arguments: ["push_default_v30", "toto_push_lf_v21"])
    func copy(_ name: String) throws {
        let cache = try TemporaryFolder()
        let server = try HubServer(["lam-test/\(name)": Goldens.url("datasets/\(name)")])
        let access = try HubAccess(
            environment: [
                "HF_HUB_CACHE": cache.path("hub"), "HF_ENDPOINT": server.endpoint, "HOME": cache.path("home"),
            ])
        let options = StreamOptions(datasetMix: [.init("lam-test/\(name)", 1)])
        let remote = try #require(
            try DatasetCatalog(options, hub: access).dataset("lam-test/\(name)") as? LeRobotDataset)
        let local = try SampleDatasets.open(name)
        let column = try #require(StoredColumn(feature: "latent_action", dtype: "int64", shape: [1]))
        for (dataset, folder) in [(remote, "remote"), (local, "local")] {
            try DatasetExtension(dataset, columns: [column]).write(
                to: cache.path(folder),
                values: { place in [(0..<dataset.episodes[place].length).map { .int(Int64($0)) }] })
        }
        let names = try #require(FileManager.default.subpaths(atPath: cache.path("local")))
        #expect(FileManager.default.subpaths(atPath: cache.path("remote"))?.sorted() == names.sorted())
        for name in names {
            #expect(
                FileManager.default.contentsEqual(
                    atPath: cache.path("local/\(name)"), andPath: cache.path("remote/\(name)")),
                "\(name)")
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: cache.path("remote/meta/info.json"))
        #expect(attributes[.type] as? FileAttributeType == .typeRegular)
    }
}
