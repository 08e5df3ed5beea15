import Foundation
import LAMData
import TestSupport
import Testing

/// What LeRobot itself has downloaded.
@Suite("LeRobot's cache")
struct LeRobotCacheTests {
    private let home: TemporaryFolder

    /// A copy of `HF_HOME` as LeRobot leaves it, with `hub` below `lerobot`.
    init() throws {
        home = try TemporaryFolder()
        try FileManager.default.copyItem(
            at: Goldens.url("cases/10-lerobot-cache-not-found/hf"), to: home.url("hf"))
    }

    private var repository: String { "hf/lerobot/hub/datasets--me--arm" }

    private func catalog(
        _ environment: [String: String] = ["HF_HUB_OFFLINE": "1"], revision: String? = nil
    ) throws -> DatasetCatalog {
        let access = try HubAccess(
            environment: ["HOME": home.root.path, "HF_HOME": home.path("hf")].merging(environment) { $1 })
        var options = StreamOptions(datasetMix: [])
        options.revision = revision
        return DatasetCatalog(options, hub: access)
    }

    /// Gives the only snapshot another reference.
    private func refer(_ revision: String, instead: Bool = true) throws {
        let refs = home.path("\(repository)/refs")
        let commit = try String(contentsOfFile: "\(refs)/v3.0", encoding: .utf8)
        if instead { try FileManager.default.removeItem(atPath: "\(refs)/v3.0") }
        try commit.write(toFile: "\(refs)/\(revision)", atomically: true, encoding: .utf8)
    }

    @Test("a dataset that LeRobot has downloaded is found offline, by its name")
    func offline() throws {
        let dataset = try catalog().dataset("me/arm")
        #expect(dataset.name == "me/arm" && dataset.episodeCount == 2)
        #expect(dataset.root.hasPrefix(home.path("hf/lerobot/hub/datasets--me--arm/snapshots")))
        #expect(dataset.facts.format == "LeRobot v2.1")
    }

    @Test("HF_LEROBOT_HOME names another place")
    func elsewhere() throws {
        try FileManager.default.moveItem(at: home.url("hf/lerobot"), to: home.url("own"))
        #expect(
            try catalog(["HF_LEROBOT_HOME": home.path("own"), "HF_HUB_OFFLINE": "1"]).dataset("me/arm").episodeCount
                == 2
        )
        #expect(throws: StreamError.self) { try catalog().dataset("me/arm") }
    }

    @Test("the tag of any readable format stands in for main", arguments: ["main", "v2.1", "v2.0"])
    func tags(revision: String) throws {
        try refer(revision)
        #expect(try catalog().dataset("me/arm").episodeCount == 2)
    }

    @Test("a revision that was asked for is the only one that will do")
    func chosen() throws {
        #expect(try catalog().dataset("me/arm@v3.0").episodeCount == 2)
        #expect(try catalog(revision: "v3.0").dataset("me/arm").episodeCount == 2)
        #expect(throws: StreamError.self) { try catalog().dataset("me/arm@v2.1") }
        #expect(throws: StreamError.self) { try catalog(revision: "main").dataset("me/arm") }
    }

    @Test("the hub's own cache that knows only a tag is used offline, too")
    func hubCache() throws {
        try FileManager.default.moveItem(at: home.url("hf/lerobot/hub"), to: home.url("hf/hub"))
        #expect(try catalog().dataset("me/arm").episodeCount == 2)
        #expect(throws: StreamError.self) { try catalog().dataset("me/arm@main") }
    }

    @Test("online a whole download is used without asking, and an incomplete one is not")
    func online() throws {
        // No server answers there.
        let unreachable = ["HF_ENDPOINT": "http://127.0.0.1:9"]
        var access = try HubAccess(
            environment: ["HOME": home.root.path, "HF_HOME": home.path("hf")].merging(unreachable) { $1 })
        access.retry.attempts = 1
        let catalog = DatasetCatalog(StreamOptions(datasetMix: []), hub: access)
        #expect(try catalog.dataset("me/arm").episodeCount == 2)
        let video = "videos/chunk-000/observation.images.top/episode_000001.mp4"
        try FileManager.default.removeItem(
            at: home.url("\(repository)/snapshots/0123456789abcdef0123456789abcdef01234567/\(video)"))
        #expect(throws: StreamError.self) { try catalog.dataset("me/arm") }
    }

    @Test("a dataset in Lance tables is named as one, with the remedy")
    func lance() throws {
        let error = #expect(throws: DataError.self) {
            try LeRobotDataset(root: Goldens.url("cases/lance").path, name: "lance")
        }
        let text = "\(try #require(error))"
        #expect(
            text.contains("meta/info.json: storage_format: expected parquet, got lance; use the dataset that it was"))
    }
}
