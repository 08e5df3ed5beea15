import Formats
import Foundation
import TestSupport
import Testing

/// `lam predict`: labels of whole datasets.
@Suite struct PredictTests {
    private struct Row: Decodable, Equatable {
        var episode_index: Int
        var frame_index: Int
        var target_frame_index: Int
        var is_pad: Bool?
        var latent_action: [Int]
        var latent_embedding: [[Float]]?
    }

    private static let folder = "latent_actions/toto_push_lf_v21"

    private func trained() throws -> LamProgram {
        let program = try LamProgram()
        #expect(try program.fit("--trainer.max_steps", "6").status == 0)
        return program
    }

    private func predict(_ program: LamProgram, _ options: String...) throws -> LamProgram.Result {
        try program.run(["predict", "--config", "config.yaml", "--ckpt_path", "last"] + options)
    }

    private func rows(_ program: LamProgram, _ path: String) throws -> [Row] {
        try String(contentsOf: program.folder.url(path), encoding: .utf8).split(separator: "\n").map {
            try JSONDecoder().decode(Row.self, from: Data($0.utf8))
        }
    }

    private func labels(_ program: LamProgram, below folder: String = folder) throws -> [String: Data] {
        let files = program.files().filter { $0.hasPrefix(folder + "/") }
        return Dictionary(
            uniqueKeysWithValues: try files.map {
                (String($0.dropFirst(folder.count)), try Data(contentsOf: program.folder.url($0)))
            })
    }

    @Test("every episode has a file with a row for every pair, in order; a second run makes only what is missing")
    func complete() throws {
        let program = try trained()
        let first = try predict(program, "--data.val_fraction", "0.5", "--embeddings")
        #expect(first.status == 0, "\(first.error)")
        #expect(first.output.contains("6 episodes of 1 dataset") && first.output.contains("codes in use"))
        let files = try labels(program)
        let names = (0..<6).map { "/chunk-000/episode_00000\($0).jsonl" }
        #expect(files.keys.sorted() == names + ["/latent_actions.json"])

        // TOTO's rule allows 3 to 5 frames; labels have the middle one.
        let lengths = try String(
            contentsOf: Goldens.url("datasets/toto_push_lf_v21/meta/episodes.jsonl"), encoding: .utf8
        ).split(separator: "\n").map { line in
            try #require(try JSONDecoder().decode(JSONValue.self, from: Data(line.utf8))["length"]?.int)
        }
        for (episode, length) in lengths.enumerated() {
            let rows = try rows(program, Self.folder + names[episode])
            #expect(rows.map(\.frame_index) == Array(0..<length - 3))
            #expect(rows.allSatisfy { $0.target_frame_index == $0.frame_index + 3 && $0.episode_index == episode })
            #expect(rows.allSatisfy { $0.latent_action.count == 4 && $0.latent_action.allSatisfy((0..<8).contains) })
            #expect(rows.allSatisfy { $0.latent_embedding?.map(\.count) == [8, 8, 8, 8] && $0.is_pad == nil })
        }
        // One embedding for each code.
        let pairs = try names.flatMap { try rows(program, Self.folder + $0) }.flatMap { row in
            zip(row.latent_action, row.latent_embedding ?? []).map { ($0, $1) }
        }
        #expect(Set(pairs.map(\.1)).count == Set(pairs.map(\.0)).count)

        let removed = program.folder.url(Self.folder + names[2])
        try FileManager.default.removeItem(at: removed)
        let kept = try FileManager.default.attributesOfItem(atPath: program.folder.path(Self.folder + names[1]))
        let second = try predict(program, "--data.val_fraction", "0.5", "--embeddings")
        #expect(second.status == 0, "\(second.error)")
        #expect(second.output.contains("1 episodes of 1 dataset") && second.output.contains("5 episodes were complete"))
        #expect(try labels(program) == files, "the same bytes, wherever a run begins")
        let after = try FileManager.default.attributesOfItem(atPath: program.folder.path(Self.folder + names[1]))
        #expect(kept[.systemFileNumber] as? Int == after[.systemFileNumber] as? Int, "not written again")
    }

    @Test("two processes write what one writes")
    func ranks() throws {
        let program = try trained()
        #expect(try predict(program).status == 0)
        let started = try program.process(
            ranks: 2, ["predict", "--config", "config.yaml", "--ckpt_path", "last", "--output", "by_two"])
        try started.process.run()
        let result = try program.result(of: started)
        #expect(result.status == 0, "\(result.error)")
        #expect(try labels(program, below: "by_two/toto_push_lf_v21") == labels(program))
    }

    @Test("labels of another model or another way are refused in one line; padded pairs are marked")
    func refusals() throws {
        let program = try trained()
        #expect(try predict(program, "--output", "out", "--data.pad_at_end", "clamp").status == 0)
        let rows = try rows(program, "out/toto_push_lf_v21/chunk-000/episode_000000.jsonl")
        #expect(rows.map { $0.is_pad ?? false } == Array(repeating: false, count: rows.count - 3) + [true, true, true])

        let before = try labels(program, below: "out")
        let other = try predict(program, "--output", "out", "--data.pad_at_end", "clamp", "--data.window", "3")
        #expect(other.status == 1)
        #expect(other.error.contains("window: expected 3, got 4") && other.error.contains("--output"), "\(other.error)")
        let model = try program.run(
            "predict", "--config", "config.yaml", "--ckpt_path", "checkpoints/epoch=0-step=2.ckpt", "--output", "out",
            "--data.pad_at_end", "clamp")
        #expect(model.status == 1 && model.error.contains("expected"), "\(model.error)")
        #expect(try labels(program, below: "out") == before)
        let none = try program.run("predict", "--config", "config.yaml")
        #expect(none.status == 2 && none.error.contains("ckpt_path"))
    }

    @Test("episodes shorter than the window have an empty file; a dataset of nothing else is an error")
    func shortEpisodes() throws {
        let program = try trained()
        let lengths = try String(
            contentsOf: Goldens.url("datasets/toto_push_lf_v21/meta/episodes.jsonl"), encoding: .utf8
        ).split(separator: "\n").map { line in
            try #require(try JSONDecoder().decode(JSONValue.self, from: Data(line.utf8))["length"]?.int)
        }
        let longest = try #require(lengths.max())
        #expect(try predict(program, "--data.window", "\(longest)").status == 0)
        for (episode, length) in lengths.enumerated() {
            let rows = try rows(program, "\(Self.folder)/chunk-000/episode_00000\(episode).jsonl")
            #expect(rows.count == max(0, length - longest + 1))
        }
        let result = try predict(program, "--output", "none", "--data.window", "1000")
        #expect(result.status == 3 && result.error.contains("1000"), "\(result.error)")
        #expect(!program.exists("none"))
    }
}
