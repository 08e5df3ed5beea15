import Foundation
import LAMData
import TestSupport
import Testing

/// Slips in `meta` that change nothing in the data.
@Suite("Metadata with slips")
struct MetadataSlipTests {
    private let folder = try! TemporaryFolder()  // SAFETY: a test without a folder to write to cannot run.

    private func open(_ name: String) throws -> LeRobotDataset {
        try LeRobotDataset(root: folder.path(name), name: name)
    }

    private func copy(_ name: String, as new: String) throws -> String {
        try CaseDataset.copy(name, to: folder, as: new)
    }

    @Test("whose objects take several lines are read")
    func indented() throws {
        let dataset = try CaseDataset.open("jl_pretty")
        #expect(dataset.tasks.map(\.text) == ["x"] && dataset.episodes.count == 1)
    }

    @Test("that are neither say where and what was expected")
    func broken() throws {
        let root = try copy("jl_pretty", as: "broken")
        try CaseDataset.edit("\(root)/meta/tasks.jsonl") { $0.replacingOccurrences(of: "\"task\"", with: "task") }
        let error = #expect(throws: DataError.self) { try open("broken") }
        #expect("\(try #require(error))".contains("one whole object in each line"))
    }

    @Test("with tasks as one text have one task")
    func text() throws {
        #expect(try CaseDataset.open("jl_task_string").episodes[0].tasks == ["pick up the red block"])
    }

    @Test("without tasks of episodes are read")
    func noTasks() throws {
        let root = try copy("jl_task_string", as: "none")
        try CaseDataset.edit("\(root)/meta/episodes.jsonl") {
            $0.replacingOccurrences(of: #", "tasks": "pick up the red block""#, with: "")
        }
        #expect(try String(contentsOfFile: "\(root)/meta/episodes.jsonl", encoding: .utf8).contains("tasks") == false)
        #expect(try open("none").episodes.count == 1)
    }

    @Test(
        "with totals that are out of date are read, with a note",
        arguments: ["total_tasks", "total_frames", "total_episodes"])
    func totals(_ field: String) throws {
        let root = try copy("cnt_tasks", as: "totals")
        try CaseDataset.edit("\(root)/meta/info.json") {
            $0.replacingOccurrences(of: #""total_tasks": 5"#, with: #""total_tasks": 1"#)
                .replacing(/"(\w+)": (\d+)/) { match in
                    match.output.1 == field ? "\"\(field)\": 999" : String(match.output.0)
                }
        }
        let dataset = try open("totals")
        #expect(dataset.notes.count == 1 && dataset.notes[0].contains("meta/info.json says 999"), "\(dataset.notes)")
        let report = try DatasetReport(dataset: dataset, cameras: dataset.cameras)
        #expect(report.notes.contains { $0.contains("999") })
    }

    @Test("without totals, or with null for them, are read", arguments: [nil, "null"])
    func noTotals(_ value: String?) throws {
        let root = try copy("cnt_tasks", as: "bare")
        try CaseDataset.edit("\(root)/meta/info.json") {
            $0.replacing(/("(?:total_(?:episodes|frames|tasks)|chunks_size)": )\d+,/) { match in
                value.map { "\(match.output.1)\($0)," } ?? ""
            }
        }
        #expect(try open("bare").notes.isEmpty)
    }

    @Test(
        "in another encoding than UTF-8 are refused by its name",
        arguments: [String.Encoding.utf16, .utf16LittleEndian, .utf16BigEndian, .utf32])
    func encodings(_ encoding: String.Encoding) throws {
        let root = try copy("cnt_tasks", as: "encoded")
        for name in ["info.json", "tasks.jsonl"] {
            let file = URL(fileURLWithPath: "\(root)/meta/\(name)")
            let content = try Data(contentsOf: file)
            try #require(String(decoding: content, as: UTF8.self).data(using: encoding)).write(to: file)
            let error = #expect(throws: DataError.self) { try open("encoded") }
            let text = "\(try #require(error))"
            #expect(text.contains("UTF-16") && text.contains(name), "\(text)")
            try content.write(to: file)
        }
    }

    @Test("of v3.0 with v2.1's tasks, or with none by their own word, are read")
    func taskFiles() throws {
        #expect(try CaseDataset.open("tp_jsonl").tasks.map(\.text) == ["x"])
        let root = try copy("tp_jsonl", as: "zero")
        try FileManager.default.removeItem(atPath: "\(root)/meta/tasks.jsonl")
        #expect(throws: DataError.self) { try open("zero") }
        try CaseDataset.edit("\(root)/meta/info.json") {
            $0.replacingOccurrences(of: #""total_tasks": 1"#, with: #""total_tasks": 0"#)
        }
        #expect(try open("zero").tasks.isEmpty)
    }

    @Test(
        "that are not UTF-8 are an error that names file and line",
        arguments: ["meta/info.json", "meta/tasks.jsonl", "meta/episodes.jsonl"])
    func latin1(_ file: String) throws {
        let root = try copy("jl_task_string", as: "latin")
        let url = URL(fileURLWithPath: "\(root)/\(file)")
        let text = try String(contentsOf: url, encoding: .utf8)
        let changed = text.replacingOccurrences(of: "pick up the red block", with: "Glück")
            .replacingOccurrences(of: "so101", with: "Müller")
        #expect(changed != text)
        try #require(changed.data(using: .isoLatin1)).write(to: url)
        let error = #expect(throws: DataError.self) { try open("latin") }
        let message = "\(try #require(error))"
        #expect(message.contains(file) && message.contains("not UTF-8"))
    }

    @Test(
        "with totals that are no numbers, or a version without its letter, are read", arguments: ["NaN", "\"4\"", "-1"])
    func oddTotals(_ value: String) throws {
        let root = try copy("cnt_tasks", as: "odd")
        try CaseDataset.edit("\(root)/meta/info.json") {
            $0.replacing(/("total_(?:episodes|frames|tasks)": )\d+/) { "\($0.output.1)\(value)" }
                .replacingOccurrences(of: "\"v2.1\"", with: "\"2.1\"")
        }
        #expect(try String(contentsOfFile: "\(root)/meta/info.json", encoding: .utf8).contains("\"2.1\""))
        let dataset = try open("odd")
        #expect(dataset.info.totalEpisodes == nil && dataset.info.codebaseVersion == .v21)
    }

    @Test("with numbers of tasks that are floats are read; a table without them says so")
    func taskTable() throws {
        let floats = try CaseCopy("cases/many_tasks")
        let expected = try floats.open().tasks
        try floats.rewrite("meta/tasks.parquet") { table in
            table.set(
                "task_index", .double,
                table["task_index"].map { if case .int(let number) = $0 { .double(Double(number)) } else { .null } })
        }
        #expect(try floats.open().tasks == expected)
        let bare = try CaseCopy("cases/many_tasks")
        try bare.rewrite("meta/tasks.parquet") { $0.remove("task_index") }
        let error = #expect(throws: DataError.self) { try bare.open() }
        #expect("\(try #require(error))".contains("expected task_index beside the texts"))
    }
}
