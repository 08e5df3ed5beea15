import Formats
import Foundation
import LAMData
import Parquet
import TestSupport
import Testing

/// Training, evaluation, labels and reports of every bottleneck.
@Suite struct BottleneckTests {
    private func trained(_ bottleneck: String, _ options: String...) throws -> LamProgram {
        let program = try LamProgram()
        let result = try program.fit(
            ["--model.bottleneck", bottleneck, "--trainer.max_steps", "6", "--model.vision_encoder", "pixels"] + options
        )
        try #require(result.status == 0, "\(result.error)")
        return program
    }

    private func run(_ program: LamProgram, _ command: String, _ bottleneck: String, _ options: String...) throws
        -> LamProgram.Result
    {
        try program.run(
            [command, "--config", "config.yaml", "--ckpt_path", "last", "--model.bottleneck", bottleneck] + options)
    }

    private func features(_ folder: URL) throws -> [String: JSONValue] {
        let data = try Data(contentsOf: folder.appendingPathComponent("meta/info.json"))
        guard case .object(let features)? = try JSONDecoder().decode(JSONValue.self, from: data)["features"] else {
            return [:]
        }
        return features
    }

    @Test(
        "continuous latents are evaluated by dimensions, written as vectors, merged, and shown beside their neighbours",
        arguments: ["vae", "ae"])
    func continuous(bottleneck: String) throws {
        let program = try trained(bottleneck)
        let sheets = program.files().filter { $0.contains("contact_sheets/") }
        #expect(!sheets.isEmpty && sheets.allSatisfy { $0.contains("neighbours_") })
        let validated = try run(program, "validate", bottleneck)
        #expect(validated.status == 0, "\(validated.error)")
        #expect(validated.output.contains("active dimensions") && !validated.output.contains("codes in use"))
        #expect(validated.output.contains("KL divergence") == (bottleneck == "vae"))
        #expect(validated.output.contains("latents of another episode"))

        let predicted = try run(program, "predict", bottleneck, "--merge", "merged", "--format", "jsonl")
        #expect(predicted.status == 0, "\(predicted.error)")
        let lines = try #require(program.files().first { $0.hasSuffix("episode_000000.jsonl") })
        let text = try String(contentsOf: program.folder.url(lines), encoding: .utf8)
        #expect(text.contains("latent_embedding") && !text.contains("latent_action\""))
        let merged = try features(program.folder.url("merged/toto_push_lf_v21"))
        #expect(merged["latent_embedding"] != nil && merged["latent_embedding_valid"] != nil)
        #expect(merged["latent_action"] == nil)
        let table = try ParquetFile(
            path: program.folder.path("merged/toto_push_lf_v21/data/chunk-000/episode_000000.parquet"))
        let valid = try table.values("latent_embedding_valid").map { $0 == .bool(true) }
        #expect(valid.first == true && valid.last == false)
        for (value, isValid) in zip(try table.values("latent_embedding"), valid) {
            guard case .list(let numbers) = value else {
                Issue.record("no list")
                continue
            }
            #expect(numbers.contains { $0 != .float(0) } == isValid)
        }

        let codes = try run(program, "predict", bottleneck, "--latents", "codes", "--output", "other")
        #expect(codes.status != 0 && codes.error.contains("continuous latents of \(bottleneck)"))
        let report = try program.run(["report", "logs/tiny/version_0"])
        #expect(report.status == 0, "\(report.error)")
        let page = try String(contentsOf: program.folder.url("logs/tiny/version_0/report.html"), encoding: .utf8)
        #expect(page.contains("Which pairs have similar latents") && !page.contains("What codes stand for"))
    }

    @Test("codes are written alone, as vectors, or both, and merged so", arguments: ["nsvq", "ema", "fsq"])
    func codes(bottleneck: String) throws {
        let program = try trained(bottleneck)
        for (content, hasCodes, hasVectors) in [("codes", true, false), ("vectors", false, true), ("both", true, true)]
        {
            let result = try run(
                program, "predict", bottleneck, "--latents", content, "--output", content, "--merge", "in_\(content)")
            #expect(result.status == 0, "\(result.error)")
            #expect(result.output.contains("codes in use"))
            let file = "\(content)/toto_push_lf_v21/chunk-000/episode_000000.parquet"
            let names = try ParquetFile(path: program.folder.path(file)).columnNames
            #expect(names.contains("latent_action") == hasCodes && names.contains("latent_embedding") == hasVectors)
            let merged = try features(program.folder.url("in_\(content)/toto_push_lf_v21"))
            #expect((merged["latent_action"] != nil) == hasCodes)
            #expect((merged["latent_embedding"] != nil) == hasVectors)
        }
    }

    @Test("a checkpoint of another bottleneck is refused, with what to do")
    func resume() throws {
        let program = try trained("nsvq")
        let other = try program.fit(["--ckpt_path", "last", "--trainer.max_steps", "8"])
        #expect(other.status != 0)
        #expect(other.error.contains("expected a checkpoint of vq, got one of nsvq; set model.bottleneck to nsvq"))
    }

    @Test("options that change what latents mean, and no shape, are refused where they are not the checkpoint's")
    func meaning() throws {
        let program = try trained("fsq", "--model.bottleneck.levels", "[8,6,5]")
        for (options, expected) in [
            (["--model.bottleneck.levels", "[5,6,8]"], "model.bottleneck.levels [8, 6, 5], got [5, 6, 8]"),
            (
                ["--model.bottleneck.levels", "[8,6,5]", "--model.bottleneck.bound", "atanh"],
                "model.bottleneck.bound paper"
            ),
            (["--model.bottleneck.levels", "[8,6,5]", "--model.lam_num_heads", "1"], "model.lam_num_heads"),
        ] {
            for command in ["predict", "validate"] {
                let result = try program.run(
                    [command, "--config", "config.yaml", "--ckpt_path", "last", "--model.bottleneck", "fsq"] + options)
                #expect(result.status == 1 && result.error.contains(expected), "\(result.error)")
            }
        }
        let command = [
            "predict", "--config", "config.yaml", "--ckpt_path", "last", "--model.bottleneck", "fsq",
            "--model.bottleneck.levels", "[8,6,5]",
        ]
        #expect(try program.run(command).status == 0)
        let turned = try program.run(command + ["--data.flip", "horizontal"])
        #expect(turned.status != 0 && turned.error.contains("data"), "\(turned.error)")
        let some = try program.run(command + ["--merge", "merged", "--data.exclude_episodes", "{'*': [0]}"])
        #expect(some.status != 0 && some.error.contains("expected all episodes"), "\(some.error)")
    }

    @Test("a model of LaWAM's family trains, is evaluated and labels, in bf16 too, and its checkpoints are its own")
    func lawam() throws {
        let options = ["--model.family", "lawam", "--model.ffn_expansion_factor", "3"]
        for extra in [[], ["--trainer.precision", "bf16-mixed"]] {
            let program = try LamProgram()
            let bottleneck = ["--model.bottleneck", "vae"]
            let result = try program.fit(options + bottleneck + ["--trainer.max_steps", "4"] + extra)
            try #require(result.status == 0, "\(result.error)")
            #expect(!program.files().contains { $0.contains("contact_sheets/") }, "its features are no pictures")
            let command = ["--config", "config.yaml", "--ckpt_path", "last"] + options + bottleneck + extra
            let validated = try program.run(["validate"] + command)
            #expect(validated.status == 0 && validated.output.contains("active dimensions"), "\(validated.error)")
            #expect(!validated.output.contains("psnr"))
            let predicted = try program.run(["predict"] + command + ["--format", "jsonl"])
            #expect(predicted.status == 0, "\(predicted.error)")
            let other = try program.fit(["--ckpt_path", "last"])
            #expect(
                other.error.contains("expected a checkpoint of stage-1, got one of lawam; set model.family to lawam"))
        }
    }

    @Test("options of a family are errors with another one, and what the family lacks is refused")
    func families() throws {
        let program = try LamProgram()
        for (options, expected) in [
            (["--model.num_queries", "2"], "an option of family lawam, but the family is two-stage"),
            (["--model.family", "lawam", "--model.stage", "stage-2"], "family lawam has one stage"),
            (["--model.family", "lawan"], "two-stage or lawam"),
            (
                ["--model.family", "lawam", "--model.lam_model_dim", "36", "--model.lam_num_heads", "2"],
                "no multiple of 8"
            ),
        ] {
            let result = try program.fit(options)
            #expect(result.status == 2 && result.error.contains(expected), "\(result.error)")
        }
    }

    @Test("with max_state_dim a head learns from the column of states, and from none where there is none")
    func states() throws {
        let options = ["--model.family", "lawam", "--model.bottleneck", "vae", "--model.max_state_dim", "8"]
        for (extra, hasStates) in [([], true), (["--model.state_key", "nothing"], false)] {
            let program = try LamProgram()
            let result = try program.fit(options + extra + ["--trainer.max_steps", "4"])
            try #require(result.status == 0, "\(result.error)")
            let head = try program.checkpoint().stateDict["lam.state_decoder.state_encoder.layer1.W"]
            #expect(head?.shape == [32, 8, 32])
            let text = try String(
                contentsOf: program.folder.url("logs/tiny/version_0/metrics.jsonl"), encoding: .utf8)
            let losses = try text.split(separator: "\n").compactMap { line in
                try JSONDecoder().decode(JSONValue.self, from: Data(line.utf8))["train/state_loss_step"]?.double
            }
            #expect(losses.count == 4 && losses.allSatisfy { ($0 > 0) == hasStates })
            let validated = try program.run(
                ["validate", "--config", "config.yaml", "--ckpt_path", "last"] + options + extra)
            #expect(validated.status == 0 && validated.output.contains("state loss"), "\(validated.error)")
        }
        let program = try LamProgram()
        let tooHigh = try program.fit(options + ["--model.embodiment_ids", "{toto: 40}"])
        #expect(tooHigh.status == 2 && tooHigh.error.contains("num_embodiments is 32"))
    }
}
