import Foundation
import TestSupport
import Testing

/// `lam` with datasets that lie on a server in the hub's layout.
@Suite struct HubTests {
    private let server: HubServer
    private let cache: TemporaryFolder

    init() throws {
        server = try HubServer(["lam-test/toto": Goldens.url("datasets/toto_push_lf_v21")])
        cache = try TemporaryFolder()
    }

    private var shell: String {
        "export HF_ENDPOINT=\(server.endpoint) HF_HUB_CACHE=\(cache.path("hub")) HF_LEROBOT_HOME=\(cache.path("lerobot"))"
    }

    private func program() throws -> LamProgram {
        try LamProgram(changing: [#"["toto_push_lf_v21", 1.0]"#: #"["lam-test/toto", 1.0]"#])
    }

    @Test("a run trains from the hub, goes on offline from the cache, and ends with the bits of one in one piece")
    func fit() throws {
        let whole = try program()
        let result = try whole.fit(afterShell: shell, "--trainer.max_steps", "6")
        try #require(result.status == 0, "\(result.error)")
        #expect(result.output.contains("data stream: at most") && result.output.contains("MiB at the peak"))
        let parts = try program()
        #expect(try parts.fit(afterShell: shell, "--trainer.max_steps", "3").status == 0)
        let asked = server.requests.count
        let second = try parts.fit(
            afterShell: shell + " HF_HUB_OFFLINE=1", "--trainer.max_steps", "6", "--ckpt_path", "last")
        #expect(second.status == 0, "\(second.error)")
        #expect(server.requests.count == asked)
        let expected = TrainingState(try whole.checkpoint())
        #expect(TrainingState(try parts.checkpoint()).differences(from: expected) == [])
    }

    @Test("two processes that start on an empty cache share it: each file is fetched once")
    func sharing() throws {
        server.setDelay(0.05)
        let programs = try (0..<2).map { _ in try program() }
        let started = try programs.map { program in
            let started = try program.process(["fit", "--config", "config.yaml"])
            started.process.environment = [
                "HF_ENDPOINT": server.endpoint, "HF_HUB_CACHE": cache.path("hub"), "HOME": cache.path("home"),
            ]
            return started
        }
        for (process, _, _) in started { try process.run() }
        for (program, started) in zip(programs, started) {
            let result = try program.result(of: started)
            #expect(result.status == 0, "\(result.error)")
        }
        let videos = server.requests.filter { $0.isStorage && $0.path.hasSuffix(".mp4") }.map(\.path)
        #expect(!videos.isEmpty && Set(videos).count == videos.count)
        let states = try programs.map { TrainingState(try $0.checkpoint()) }
        #expect(states[0].differences(from: states[1]) == [])
    }

    @Test("what cannot be had ends with 3 and one line of advice")
    func missing() throws {
        let program = try program()
        for (setup, words) in [
            (shell + " HF_HUB_OFFLINE=1", "HF_HUB_OFFLINE forbids the network"),
            (
                shell.replacingOccurrences(of: server.endpoint, with: "\(server.endpoint)/nowhere"),
                "status 200, got 404"
            ),
        ] {
            let result = try program.fit(afterShell: setup)
            #expect(result.status == 3 && result.error.contains(words), "\(result.error)")
        }
    }

    @Test("a signal ends a run that waits for the hub at once", arguments: ["info.json", "episode_000000.mp4"])
    func signal(_ file: String) throws {
        // The server asks for a pause that is longer than any test.
        server.fail(file, with: Array(repeating: .status(429, retryAfter: "300"), count: 20))
        let program = try program()
        let started = try program.process(["fit", "--config", "config.yaml"])
        started.process.environment = [
            "HF_ENDPOINT": server.endpoint, "HF_HUB_CACHE": cache.path("hub"), "HOME": cache.path("home"),
        ]
        try started.process.run()
        while started.process.isRunning,
            !server.requests.contains(where: { $0.path.hasSuffix(file) && $0.method == "GET" })
        {
            usleep(10_000)
        }
        let start = ContinuousClock.now
        kill(started.process.processIdentifier, SIGTERM)
        let result = try program.result(of: started)
        #expect(result.status == 143 && !result.error.contains("error:"), "\(result.error)")
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test("a bad sample is skipped, told and counted, where the configuration says so")
    func skipping() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(
            at: Goldens.url("datasets/toto_push_lf_v21"), to: folder.url("toto_push_lf_v21"))
        let path = folder.url("toto_push_lf_v21/videos/chunk-000/observation.images.image/episode_000001.mp4")
        var video = try Data(contentsOf: path)
        for place in video.count * 2 / 5..<video.count / 2 { video[place] = 0xFF }
        try video.write(to: path)
        let program = try LamProgram()
        let options = ["--data.root", folder.root.path, "--data.batch_size", "32", "--trainer.max_steps", "8"]
        #expect(try program.fit(options).status == 3)
        let result = try program.fit(options + ["--data.on_bad_sample", "skip"])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.contains("skipped sample") && result.output.contains("episode_000001.mp4"))
        let metrics = program.files().filter { $0.hasSuffix("metrics.jsonl") }
        let text = try metrics.map { try String(contentsOfFile: program.folder.path($0), encoding: .utf8) }.joined()
        #expect(text.contains("data/skipped_samples"))
    }

    @Test("inspect looks at the datasets of a configuration and draws what a model is fed")
    func inspect() throws {
        let program = try LamProgram()
        let result = try program.run("inspect", "config.yaml", "--pairs", "pairs.png")
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.contains("h264") && result.output.contains("first frame above the second"))
        let bytes = try Data(contentsOf: program.folder.url("pairs.png"))
        // Eight pairs of 32 pixels and gaps of 4 in a row: 292 wide, big-endian at byte 16.
        #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) && Array(bytes[18...19]) == [1, 36])
        let json = try program.run("inspect", "config.yaml", "--json")
        #expect(json.output.hasPrefix("[") && json.output.contains("\"codebase_version\" : \"v2.1\""))
    }

    @Test("memory does not grow with the samples taken, and stays below what was predicted and the program's own")
    func flat() throws {
        struct Result: Decodable {
            let samples: Int
            let peakResidentBytes: Int
            let predictedBytes: Int
        }
        let program = try LamProgram()
        func peak(_ batches: Int) throws -> Result {
            let result = try program.run("bench", "data", "config.yaml", "--json", "--batches", "\(batches)")
            #expect(result.status == 0, "\(result.error)")
            return try JSONDecoder().decode(Result.self, from: Data(result.output.utf8))
        }
        let (short, long) = (try peak(50), try peak(500))
        #expect(long.samples == 2000)
        #expect(long.peakResidentBytes - short.peakResidentBytes < 8 << 20)
        // A process that has loaded its libraries takes some 50 MiB.
        #expect(long.peakResidentBytes < long.predictedBytes + 128 << 20)
    }
}
