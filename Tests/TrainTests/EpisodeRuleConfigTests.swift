import Configuration
import LAMData
import TestSupport
import Testing

@Suite("Choosing in configurations")
struct EpisodeRuleConfigTests {
    private func options(_ arguments: [String]) throws -> StreamOptions {
        try FitArguments.parse(arguments: arguments).configuration.data.stream
    }

    @Test("episodes are lists of numbers and ranges, files, or conditions")
    func episodes() throws {
        let read = try options([
            "--data.episodes", "{a: [0, \"3:10\"], b: kept.txt, c: {task: cup, length: \"50:\"}, d: 7}",
        ])
        let expected: [EpisodeChoice] = [
            .numbers([EpisodeRange(0), try #require(EpisodeRange("3:10"))]), .file("kept.txt"),
            .facts([EpisodeFact(field: "task", value: "cup"), EpisodeFact(field: "length", value: "50:")]),
            .numbers([EpisodeRange(7)]),
        ]
        #expect(read.episodes.map(\.choice) == expected)
        #expect(read.episodes.map(\.pattern) == ["a", "b", "c", "d"])
        for wrong in ["{a: [x]}", "{a: [\"5:2\"]}", "{a: {task: [1]}}", "3"] {
            #expect(throws: ConfigurationError.self, "\(wrong)") {
                _ = try options(["--data.exclude_episodes", wrong])
            }
        }
    }

    @Test("cameras are one or several, seconds are above 0")
    func others() throws {
        let read = try options([
            "--data.image_keys", "{a: top, b: [top, wrist]}", "--data.window_seconds", "{a: 0.5}",
            "--data.split_at_cuts", "true", "--data.tolerance_s", "0.01",
        ])
        #expect(read.imageKeys.map(\.keys) == [["top"], ["top", "wrist"]])
        #expect(read.windowSeconds == [.init(pattern: "a", seconds: 0.5)])
        #expect(read.splitsAtCuts && read.toleranceS == 0.01)
        for wrong in [
            ["--data.window_seconds", "{a: 0}"], ["--data.image_keys", "{a: []}"], ["--data.tolerance_s", "0"],
        ] {
            #expect(throws: ConfigurationError.self, "\(wrong)") { _ = try options(wrong) }
        }
    }

    @Test("what is printed is read as the same")
    func roundTrip() throws {
        let arguments = [
            "--data.episodes", "{a: [0, \"3:10\"], c: {task: cup}}", "--data.image_keys", "{b: [top, wrist]}",
            "--data.window_seconds", "{a: 0.5}",
        ]
        let configuration = try FitArguments.parse(arguments: arguments).configuration
        let folder = try TemporaryFolder()
        let path = folder.path("again.yaml")
        try configuration.yaml().write(toFile: path, atomically: true, encoding: .utf8)
        let again = try options(["--config", path])
        #expect(again.episodes == configuration.data.stream.episodes)
        #expect(again.imageKeys == configuration.data.stream.imageKeys)
        #expect(again.windowSeconds == configuration.data.stream.windowSeconds)
    }
}
