import Foundation
import Conversion
import LAMData
import TestSupport
import Testing

/// An instruction belongs to a frame: the rows' `task_index`, not the episode's list, which is a set in any order.
@Suite struct FrameTaskTests {
    private static let two = "cases/23-several-tasks-in-an-episode/two_tasks"
    private static let spans = [
        TaskSpan(start: 0, end: 6, text: "open the drawer"), TaskSpan(start: 6, end: 12, text: "put the block in"),
    ]

    private struct Expected: Decodable {
        let task_spans: [String: [Span]]

        struct Span: Decodable {
            let span: TaskSpan

            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                span = TaskSpan(
                    start: try list.decode(Int.self), end: try list.decode(Int.self), text: try list.decode(String.self)
                )
            }
        }
    }

    private func samples(_ options: StreamOptions) throws -> [FramePairBatch.Sample] {
        let stream = try FramePairStream(options, split: .all)
        var samples: [FramePairBatch.Sample] = []
        while let batch = try stream.next() { samples += batch.samples }
        return samples
    }

    @Test("a pair has the task of its first frame, as LeRobot reads it")
    func pairs() throws {
        let copy = try CaseCopy(Self.two)
        let samples = try samples(copy.options)
        #expect(samples.count == 11)
        for sample in samples { #expect(sample.task == (sample.frame < 6 ? "open the drawer" : "put the block in")) }

        let many = try CaseCopy("cases/many_tasks")
        let data = try Data(contentsOf: Goldens.url("cases/many_tasks/expected.json"))
        let expected = try JSONDecoder().decode(Expected.self, from: data).task_spans
        for sample in try self.samples(many.options) {
            let spans = expected["\(sample.episode)"]?.map(\.span) ?? []
            let span = spans.first { $0.start <= sample.frame && sample.frame < $0.end }
            #expect(sample.task == span?.text, "\(sample.episode), \(sample.frame)")
        }
        let dataset = try many.open()
        for episode in dataset.episodes {
            #expect(episode.taskSpans == expected["\(episode.episodeIndex)"]?.map(\.span))
        }
    }

    @Test(
        "conversion gives each task a segment, and each row its task, in both versions",
        arguments: [DatasetInfo.Version.v21, .v30])
    func conversion(version: DatasetInfo.Version) throws {
        let copy = try CaseCopy(Self.two)
        var options = ConversionOptions()
        (options.format, options.actionConfig) = (version, .whole)
        _ = try DatasetConversion(copy.open(), to: copy.beside("out"), options).run()
        let converted = try LeRobotDataset(root: copy.beside("out"), name: "out")
        #expect(converted.episodes[0].taskSpans == Self.spans)
        #expect(converted.episodes[0].tasks == ["open the drawer", "put the block in"])
        let entries = try converted.actionEntries()[0]
        #expect(
            entries
                == Self.spans.map { .segment(ActionSegment(startFrame: $0.start, endFrame: $0.end, text: $0.text)) })
        #expect(
            try samples(copy.options).map(\.task) == samples(at: copy.beside("out"), like: copy.options).map(\.task))
    }

    private func samples(at root: String, like options: StreamOptions) throws -> [FramePairBatch.Sample] {
        var options = options
        options.datasetMix = [.init(root, 1)]
        return try samples(options)
    }

    @Test("--from-tasks splits where the task changes")
    func fromTasks() throws {
        let copy = try CaseCopy(Self.two)
        let summary = try ActionConfigFile(copy.open()).write(.whole)
        #expect(summary.segments == 2)
        let entries = try copy.open().actionEntries()[0]
        #expect(entries?.first == .segment(ActionSegment(startFrame: 0, endFrame: 6, text: "open the drawer")))
    }

    @Test("without a column tasks, or with one that says something else, the rows tell")
    func withoutColumn() throws {
        let copy = try CaseCopy("cases/06-v3-without-tasks-column/v3_no_tasks_column")
        let expected = [["open the drawer"], ["pick up the red block"]]
        #expect(try copy.open().episodes.map(\.tasks) == expected)
        // Not read on opening, the rows are asked where meta is silent.
        #expect(try copy.open(checkDataFiles: false).episodes.map(\.tasks) == expected)
        #expect(try copy.open(readsTasks: false).episodes.map(\.tasks) == [[], []])
        try copy.rewrite(CaseCopy.episodes) {
            $0.set("tasks", .list(.string), Array(repeating: .list([.string("pick up the red block")]), count: 2))
        }
        #expect(try copy.open().episodes.map(\.tasks) == expected)
    }

    @Test("rows of several runs have their tasks in the order of the frames")
    func scattered() throws {
        let copy = try CaseCopy(Self.two)
        let file = "data/chunk-000/episode_000000.parquet"
        try copy.rewrite(file) { $0.take([6, 7, 8, 9, 10, 11, 5, 4, 3, 0, 1, 2]) }
        let dataset = try copy.open()
        #expect(dataset.episodes[0].taskSpans == Self.spans)
        #expect(dataset.episodes[0].rows.runs.count == 5)
        // The task comes back: three segments.
        try copy.rewrite(file) { table in
            table.take([9, 10, 11, 8, 7, 6, 0, 1, 2, 3, 4, 5])
            table.setIntegers("task_index", [0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0])
        }
        let spans = try copy.open().episodes[0].taskSpans
        #expect(spans.map(\.start) == [0, 4, 9] && spans.map(\.end) == [4, 9, 12])
        #expect(spans[0].text == spans[2].text && spans[0].text != spans[1].text)
    }

    @Test("a task_index that names no task is refused by who asks for tasks, and by nobody else")
    func unknownTask() throws {
        let copy = try CaseCopy(Self.two)
        for task in [ParquetFileValue.number(7), .missing] {
            try copy.rewrite("data/chunk-000/episode_000000.parquet") { table in
                switch task {
                case .number(let number): table["task_index"][3] = .int(number)
                case .missing: table["task_index"][3] = .null
                }
            }
            let dataset = try copy.open()
            #expect(
                "\(try #require(throws: DataError.self) { try dataset.requireTasks() })".contains("task_index of row 3")
            )
            #expect(throws: DataError.self) { try FramePairStream(copy.options) }
            #expect(throws: DataError.self) { try ActionConfigFile(dataset).write(.whole) }
            #expect(throws: DataError.self) {
                try DatasetConversion(dataset, to: copy.beside("out"), ConversionOptions()).run()
            }
            var options = copy.options
            options.readsTasks = false
            #expect(try FramePairStream(options).next() != nil)
            let report = try DatasetReport(dataset: dataset, cameras: dataset.cameras)
            #expect(report.notes.contains { $0.contains("task_index of row 3") })
        }
    }

    private enum ParquetFileValue { case number(Int64), missing }
}
