import Foundation
import LAMData
import Parquet
import TestSupport
import Testing

@Suite("Choosing episodes and cameras")
struct EpisodeChoiceTests {
    private func options(_ name: String, _ change: (inout StreamOptions) -> Void) -> StreamOptions {
        var options = StreamOptions(
            datasetMix: [.init(name, 1)], root: Goldens.url("datasets").path)
        options.window = .fixed(3)
        change(&options)
        return options
    }

    private func indexes(_ options: StreamOptions) throws -> [Int] {
        try StreamSource.open(options)[0].episodes.map(\.index)
    }

    private func range(_ text: String) throws -> EpisodeRange { try #require(EpisodeRange(text)) }

    @Test("by numbers and ranges, taken and left")
    func numbers() throws {
        let name = "push_default_v30"
        let all = try indexes(options(name) { $0.imageKeys = [.init(pattern: "", key: "observation.images.top")] })
        try #require(all.count > 3)
        func chosen(_ change: (inout StreamOptions) -> Void) throws -> [Int] {
            try indexes(
                options(name) {
                    $0.imageKeys = [.init(pattern: "", key: "observation.images.top")]
                    change(&$0)
                })
        }
        let ranges = [try range("0"), try range("2:4")]
        #expect(try chosen { $0.episodes = [.init(pattern: "push", choice: .numbers(ranges))] } == [0, 2, 3])
        #expect(try chosen { $0.episodes = [.init(pattern: "other", choice: .numbers(ranges))] } == all)
        let left = [try range("1:")]
        #expect(try chosen { $0.excludedEpisodes = [.init(pattern: "push", choice: .numbers(left))] } == [0])
        #expect(
            try chosen {
                $0.episodes = [.init(pattern: "push", choice: .numbers(ranges))]
                $0.excludedEpisodes = [.init(pattern: "push", choice: .numbers([EpisodeRange(2)]))]
            } == [0, 3])
        #expect(throws: StreamError.self) {
            _ = try chosen { $0.episodes = [.init(pattern: "", choice: .numbers([EpisodeRange(999)]))] }
        }
        let every = [try range("0:")]
        #expect(throws: StreamError.self) {
            _ = try chosen { $0.excludedEpisodes = [.init(pattern: "", choice: .numbers(every))] }
        }
    }

    @Test("by a file of numbers, of lines or JSON, and by what the dataset's table says of them")
    func filesAndFacts() throws {
        let folder = try TemporaryFolder()
        func file(_ text: String) throws -> EpisodeChoice {
            let path = folder.path("list-\(UUID().uuidString)")
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            return .file(path)
        }
        let dataset = try LeRobotDataset(root: Goldens.url("cases/many_tasks").path, name: "many_tasks")
        let all = Array(dataset.episodes.indices)
        func chosen(_ choice: EpisodeChoice) throws -> [Int] {
            var options = StreamOptions(datasetMix: [.init("many_tasks", 1)], root: Goldens.url("cases").path)
            options.episodes = [.init(pattern: "many", choice: choice)]
            return try StreamSource.open(options)[0].episodes.map(\.index)
        }
        #expect(try chosen(file("# kept\n1\n2:4 # two\n")) == [1, 2, 3])
        #expect(try chosen(file("[0, \"2:3\"]")) == [0, 2])
        #expect(try chosen(file(#"{"else": [0], "many": [1]}"#)) == [1])
        #expect(throws: DataError.self) { _ = try chosen(file("one")) }
        #expect(throws: DataError.self) { _ = try chosen(.file(folder.path("nowhere"))) }

        let lengths = dataset.episodes.map(\.length)
        let bound = try #require(lengths.max())
        #expect(
            try chosen(.facts([EpisodeFact(field: "length", value: "\(bound):")]))
                == all.filter { lengths[$0] == bound })
        let task = try #require(dataset.episodes[0].tasks.first)
        #expect(
            try chosen(.facts([EpisodeFact(field: "task", value: task.uppercased())]))
                == all.filter { dataset.episodes[$0].tasks.contains(task) })
        #expect(try chosen(.facts([EpisodeFact(field: "episode_index", value: "2")])) == [2])
        #expect(throws: StreamError.self) { _ = try chosen(.facts([EpisodeFact(field: "weather", value: "rain")])) }
    }

    @Test("of which nobody looks for the files of those that are left")
    func unchosenFiles() throws {
        let copy = try DatasetCopy(of: "toto_push_lf_v21")
        let dataset = try LeRobotDataset(root: copy.root, name: "toto")
        try #require(dataset.episodes.count > 1)
        let camera = dataset.cameras[0]
        try FileManager.default.removeItem(atPath: dataset.videoFile(of: dataset.episodes[1], camera: camera))
        var options = StreamOptions(datasetMix: [.init(copy.root, 1)])
        options.imageKeys = [.init(pattern: "", key: camera.key)]
        #expect(throws: DataError.self) { _ = try StreamSource.open(options) }
        options.excludedEpisodes = [
            .init(pattern: "", choice: .numbers([EpisodeRange(dataset.episodes[1].episodeIndex)]))
        ]
        let source = try StreamSource.open(options)[0]
        #expect(source.episodes.count == dataset.episodes.count - 1)
        #expect(source.notes.contains { $0.contains("episodes are chosen") })
        // Neither rows nor videos: LeRobot's `episodes=[…]` has left it on the hub.
        options.excludedEpisodes = []
        for camera in dataset.cameras where camera.kind == .video {
            try? FileManager.default.removeItem(atPath: dataset.videoFile(of: dataset.episodes[1], camera: camera))
        }
        try FileManager.default.removeItem(atPath: dataset.dataFile(of: dataset.episodes[1]))
        let part = try StreamSource.open(options)[0]
        #expect(part.episodes.count == dataset.episodes.count - 1)
        #expect(part.notes.contains { $0.contains("not on this disk") })
    }

    @Test("of several cameras, whose pictures are samples with their dataset's weight together")
    func cameras() throws {
        let options = options("push_default_v30") {
            $0.imageKeys = [.init(pattern: "", keys: ["observation.images.top", "observation.images.wrist"])]
            $0.valFraction = 0.3
        }
        let sources = try StreamSource.open(options)
        #expect(sources.map(\.camera) == ["observation.images.top", "observation.images.wrist"])
        #expect(sources.map(\.weight) == [0.5, 0.5])
        #expect(sources[0].episodes.map(\.index) == sources[1].episodes.map(\.index))
        // What one camera is trained on, the other is not judged by.
        let (train, held) = (try FramePairStream(options), try FramePairStream(options, split: .val))
        for camera in 0..<2 {
            let sides = [train, held].map { Set($0.episodes(ofDataset: camera)) }
            #expect(sides[0].isDisjoint(with: sides[1]) && !sides[1].isEmpty)
            #expect(sides[1] == Set(held.episodes(ofDataset: 0)))
        }
    }

    @Test("of a range text is what Python takes it for")
    func ranges() throws {
        #expect(EpisodeRange("3:10")?.text == "3:10")
        #expect(EpisodeRange("7")?.text == "7")
        #expect(EpisodeRange(":2")?.text == "0:2")
        for text in ["", "a", "-1", "3:3", "5:2", "1:2:3", "1.5"] { #expect(EpisodeRange(text) == nil, "\(text)") }
    }

    @Test("that are to be left and are not there are told")
    func strangers() throws {
        func notes(_ numbers: [EpisodeRange]) throws -> [String] {
            try StreamSource.open(
                options("toto_push_lf_v21") {
                    $0.excludedEpisodes = [.init(pattern: "", choice: .numbers(numbers))]
                })[0].notes.filter { $0.contains("no such episodes") }
        }
        #expect(try notes([EpisodeRange(0)]).isEmpty)
        let found = try notes([EpisodeRange(0), EpisodeRange(999), range("500:")])
        #expect(found.count == 1 && found[0].contains("999, 500:"), "\(found)")
    }
}
