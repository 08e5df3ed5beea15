import Foundation
import LAMData
import TestSupport
import Testing

/// Streams over datasets that lie on a server.
@Suite struct HubStreamTests {
    private static let names = ["push_default_v30", "toto_push_images_v30", "droid_push_hf_v21", "toto_push_lf_v20"]
    private let cache: TemporaryFolder

    init() throws { cache = try TemporaryFolder() }

    private func server(_ names: [String] = names, tags: [String: [String]] = [:]) throws -> HubServer {
        try HubServer(
            Dictionary(uniqueKeysWithValues: names.map { ("lam-test/\($0)", Goldens.url("datasets/\($0)")) }),
            tags: tags)
    }

    private func access(_ server: HubServer, _ environment: [String: String] = [:]) throws -> HubAccess {
        var access = try HubAccess(
            environment: [
                "HF_HUB_CACHE": cache.path("hub"), "HF_ENDPOINT": server.endpoint, "HOME": cache.path("home"),
            ]
            .merging(environment) { $1 })
        access.retry.firstPause = 0.01
        access.retry.attempts = 3
        return access
    }

    private func options(_ names: [String], root: String? = nil) -> StreamOptions {
        var options = StreamOptions(datasetMix: names.map { .init($0, 1) }, root: root)
        options.batchSize = 8
        options.resolution = 32
        options.numWorkers = 2
        options.imageKeys = [.init(pattern: "push_default", key: "observation.images.wrist")]
        return options
    }

    private func take(_ count: Int, _ stream: FramePairStream) throws -> [FramePairBatch] {
        try (0..<count).compactMap { _ in try stream.next() }
    }

    @Test("a stream from the hub gives the bytes of the same stream from disk, and resumes")
    func equal() throws {
        let server = try server()
        let remote = try FramePairStream(options(Self.names.map { "lam-test/\($0)" }), hub: access(server))
        // The same names, as the names are part of the seeds.
        let home = try TemporaryFolder()
        try FileManager.default.createDirectory(at: home.url("lam-test"), withIntermediateDirectories: true)
        for name in Self.names {
            try FileManager.default.copyItem(at: Goldens.url("datasets/\(name)"), to: home.url("lam-test/\(name)"))
        }
        let local = try FramePairStream(options(Self.names.map { "lam-test/\($0)" }, root: home.root.path))
        let expected = try take(6, local)
        #expect(try take(3, remote) == Array(expected.prefix(3)))
        let resumed = try FramePairStream(
            options(Self.names.map { "lam-test/\($0)" }), restoring: remote.state, hub: access(server))
        #expect(try take(3, resumed) == Array(expected.suffix(3)))
    }

    @Test("opening fetches metadata alone, and a batch no video of another camera")
    func lazily() throws {
        let server = try server(["push_default_v30"])
        let sources = try StreamSource.open(options(["lam-test/push_default_v30"]), hub: access(server))
        func videos() -> Set<String> {
            Set(server.requests.filter { $0.method == "GET" && $0.path.hasSuffix(".mp4") }.map(\.path))
        }
        #expect(videos().isEmpty)
        #expect(!server.requests.contains { $0.path.contains("/data/") || $0.path.hasSuffix("stats.json") })
        let stream = try FramePairStream(sources: sources, options(["lam-test/push_default_v30"]))
        _ = try stream.next()
        #expect(!videos().isEmpty && videos().allSatisfy { $0.contains("wrist") })
    }

    @Test("training starts after the first files, not after the dataset")
    func startsEarly() throws {
        // 40 episodes of a video each; a window is four buffers of 8 pairs, hence a few files.
        let folder = try TemporaryFolder()
        try ManyFiles.write(copies: 40, to: folder.url("many"))
        let server = try HubServer(["lam-test/many": folder.url("many")])
        var options = options(["lam-test/many"])
        options.bufferSize = 8
        options.batchSize = 2
        options.prefetch = 1
        let stream = try FramePairStream(options, hub: access(server))
        _ = try stream.next()
        Thread.sleep(forTimeInterval: 0.3)
        let fetched = Set(server.requests.filter { $0.method == "GET" && $0.path.hasSuffix(".mp4") }.map(\.path)).count
        #expect((1...20).contains(fetched), "\(fetched) of 40 files")
    }

    @Test("a lasting fault surfaces with dataset and address at the batch that needs the file, and passes when it does")
    func faults() throws {
        let server = try server(["droid_push_hf_v21"])
        for episode in 0..<5 {
            server.fail("episode_00000\(episode).mp4", with: Array(repeating: .status(500), count: 12))
        }
        let sources = try StreamSource.open(options(["lam-test/droid_push_hf_v21"]), hub: access(server))
        let stream = try FramePairStream(sources: sources, options(["lam-test/droid_push_hf_v21"]))
        #expect { try stream.next() } throws: { error in
            guard case DataError.hub(.unreachable(let url, _, _)) = error else { return false }
            return url.contains("lam-test/droid_push_hf_v21")
        }
        for episode in 0..<5 { server.fail("episode_00000\(episode).mp4", with: []) }
        let again = try FramePairStream(sources: sources, options(["lam-test/droid_push_hf_v21"]))
        #expect(try again.next()?.samples.count == 8)
    }

    @Test("names lead to this disk first, then to LeRobot's folder, then to the hub")
    func places() throws {
        let server = try server(["ego4d_push_v30"])
        let home = try TemporaryFolder()
        try FileManager.default.createDirectory(at: home.url("lam-test"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: Goldens.url("datasets/ego4d_push_v30"), to: home.url("lam-test/ego4d_push_v30"))
        let access = try access(server, ["HF_LEROBOT_HOME": home.root.path])
        let catalog = DatasetCatalog(StreamOptions(datasetMix: []), hub: access)
        #expect(try catalog.dataset("lam-test/ego4d_push_v30").root == home.path("lam-test/ego4d_push_v30"))
        #expect(server.requests.isEmpty)
        #expect {
            try DatasetCatalog(StreamOptions(datasetMix: []), hub: access).dataset("lam-test/nothing")
        } throws: { error in
            guard case StreamError.missingOnHub(_, _, _, .refused(_, 404, _, _)) = error else { return false }
            return "\(error)".contains("data.revision")
        }
        #expect(throws: StreamError.self) { try catalog.dataset("not a name") }
    }

    @Test("a revision chooses a tag; where main has an unknown format, the newest readable tag is taken")
    func revisions() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(at: folder.url("set/meta"), withIntermediateDirectories: true)
        let text = try String(contentsOf: Goldens.url("datasets/bad/future_version/meta/info.json"), encoding: .utf8)
        _ = try folder.write(text, to: "set/meta/info.json")
        let server = try HubServer(
            [
                "lam-test/set": folder.url("set"), "lam-test/set@v2.0": Goldens.url("datasets/toto_push_lf_v20"),
                "lam-test/set@v2.1": Goldens.url("datasets/toto_push_lf_v21"),
            ], tags: ["lam-test/set": ["v2.0", "v2.1", "v9.0"]])
        let access = try access(server)
        func version(_ name: String, revision: String? = nil) throws -> String {
            var options = StreamOptions(datasetMix: [])
            options.revision = revision
            return try DatasetCatalog(options, hub: access).dataset(name).facts.codebaseVersion ?? "none"
        }
        #expect(try version("lam-test/set") == "v2.1")
        #expect(try version("lam-test/set", revision: "v2.0") == "v2.0")
        #expect(try version("lam-test/set@v2.0", revision: "v2.1") == "v2.0")
        #expect { try version("lam-test/set", revision: "main") } throws: { error in
            if case DataError.unsupportedVersion = error { true } else { false }
        }
    }

    @Test("a commit that lacks a video of the camera is refused before training")
    func incomplete() throws {
        let copy = try DatasetCopy(of: "droid_push_hf_v21")
        try FileManager.default.removeItem(
            atPath: "\(copy.root)/videos/chunk-000/observation.images.exterior_1_left/episode_000003.mp4")
        let server = try HubServer(["lam-test/droid": URL(fileURLWithPath: copy.root)])
        #expect { try StreamSource.open(options(["lam-test/droid"]), hub: access(server)) } throws: { error in
            guard case DataError.hub(.noSuchFile(_, HubServer.commit, let file)) = error else { return false }
            return file.hasSuffix("episode_000003.mp4")
        }
    }
}

/// A v2.1 dataset of many short episodes, each with a video of its own: copies of one.
enum ManyFiles {
    static func write(copies: Int, to folder: URL) throws {
        let source = Goldens.url("datasets/toto_push_lf_v21")
        let manager = FileManager.default
        try manager.copyItem(at: source, to: folder)
        try manager.removeItem(at: folder.appendingPathComponent("data"))
        let lines = try String(contentsOf: source.appendingPathComponent("meta/episodes.jsonl"), encoding: .utf8)
        let first = try JSONSerialization.jsonObject(with: Data(lines.split(separator: "\n")[0].utf8)) as? [String: Any]
        let length = first?["length"] as? Int ?? 0
        let videos = folder.appendingPathComponent("videos/chunk-000/observation.images.image")
        let video = try Data(contentsOf: videos.appendingPathComponent("episode_000000.mp4"))
        var table = ""
        for episode in 0..<copies {
            table += #"{"episode_index": \#(episode), "tasks": ["push"], "length": \#(length)}"# + "\n"
            let name = "episode_" + String(repeating: "0", count: 6 - "\(episode)".count) + "\(episode).mp4"
            try video.write(to: videos.appendingPathComponent(name))
        }
        try table.write(to: folder.appendingPathComponent("meta/episodes.jsonl"), atomically: true, encoding: .utf8)
        var info = try String(contentsOf: source.appendingPathComponent("meta/info.json"), encoding: .utf8)
        for (key, value) in [("total_episodes", copies), ("total_frames", copies * length)] {
            info = info.replacing(try Regex("\"\(key)\": \\d+"), with: "\"\(key)\": \(value)")
        }
        try info.write(to: folder.appendingPathComponent("meta/info.json"), atomically: true, encoding: .utf8)
    }
}
