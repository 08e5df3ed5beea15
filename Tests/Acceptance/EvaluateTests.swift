import Formats
import Foundation
import Checkpoints
import LAMTrain
import TestSupport
import Testing

/// `lam validate` and `lam test` on a checkpoint of a few steps.
@Suite struct EvaluateTests {
    private struct Written: Decodable {
        struct Probe: Decodable {
            var dataset: String
            var pairs: Int
            var r2: [String: [String: Double]]
        }
        struct Controls: Decodable {
            var pairs: Int
            var values: [String: Double]
        }
        struct Verdict: Decodable {
            var latents: String
            var lines: [String]
        }
        var step: Int
        var held_out: Bool
        var controls: Controls
        var verdict: Verdict
        var pairs: Int
        var code_counts: [Int]
        var metrics: [String: Double]
        var probes: [Probe]
    }

    private func written(_ program: LamProgram, _ version: Int) throws -> Written {
        try JSONDecoder().decode(
            Written.self, from: Data(contentsOf: program.folder.url("logs/tiny/version_\(version)/metrics.json")))
    }

    private static let heldOut = ["--data.val_fraction", "0.5", "--ckpt_path", "checkpoints/last.ckpt"]

    @Test("validate and test print a table and write metrics.json and events; a checkpoint's values repeat")
    func table() throws {
        let program = try LamProgram()
        #expect(try program.fit("--data.val_fraction", "0.5", "--trainer.max_steps", "30").status == 0)
        let checkpoint = try Data(contentsOf: program.folder.url("checkpoints/last.ckpt"))

        let first = try program.run(["validate", "--config", "config.yaml"] + Self.heldOut)
        #expect(first.status == 0, "\(first.error)")
        for row in [
            "mse  ", "nothing changed  ", "psnr  ", "codes in use  ", "perplexity  ", "controls, ", "  own codes  ",
            "  nothing changed  ", "  zeros for codes  ", "  codes of the same episode  ",
            "  codes of another episode  ", "  gaussian codes  ", "  additivity error  ", "  reversal error  ",
            "  first frame  ", "  both  ", "Next: ",
        ] {
            #expect(first.output.contains("\n" + row), "\(row): \(first.output)")
        }
        #expect(first.output.contains("action probe, toto_push_lf_v21"))
        #expect(!first.output.contains("nan") && !first.output.contains("inf"), "\(first.output)")

        let values = try written(program, 1)
        #expect(values.held_out && values.step == 30 && values.pairs > 0)
        #expect(values.code_counts.reduce(0, +) == 4 * values.pairs)
        let mse = try #require(values.metrics["val/mse_loss"])
        let baseline = try #require(values.metrics["val/copy_baseline"])
        #expect(mse > 0 && baseline > 0)
        #expect(try #require(values.metrics["val/perplexity"]) >= 1)
        #expect((5..<60).contains(try #require(values.metrics["val/psnr"])))
        for control in ["own", "zero", "same_episode", "other_episode", "gaussian", "nothing_changed"] {
            #expect(try #require(values.metrics["val/control/\(control)"]) > 0, "\(control)")
        }
        #expect(values.controls.pairs == min(256, values.pairs) && !values.verdict.lines.isEmpty)
        let probe = try #require(values.probes.first)
        #expect(probe.pairs == values.pairs)
        for target in ["mean", "change", "chunk"] {
            for source in ["latents", "frame", "latents_and_frame", "frame_differences", "noise"] {
                #expect(try #require(probe.r2[target]?[source]) <= 1, "\(target) of \(source)")
            }
        }
        let files = program.files().filter { $0.hasPrefix("logs/tiny/version_1/") }
        #expect(files.contains { $0.contains("events.out.tfevents.") })
        #expect(files.contains { $0.hasSuffix("metrics.jsonl") })
        let transitions = try PNGImage(
            png: [UInt8](Data(contentsOf: program.folder.url("logs/tiny/version_1/code_transitions.png"))))
        #expect(transitions.width == 8 * 24)
        let report = try program.run(
            "report", "logs/tiny/version_0", "--evaluation", "logs/tiny/version_1", "-o", "report.html")
        #expect(report.status == 0, "\(report.error)")
        let html = try String(contentsOf: program.folder.url("report.html"), encoding: .utf8)
        for part in [
            "follows which", "data:image/svg+xml;base64,", "<h3>Action probe, toto_push_lf_v21</h3>",
            "<td>val/perplexity</td>", "alt=\"controls\"", "<p>Next: ",
        ] {
            #expect(html.contains(part), "\(part)")
        }
        #expect(!program.files().contains { $0.contains(".tmp-") })

        let second = try program.run(["test", "--config", "config.yaml"] + Self.heldOut)
        #expect(second.status == 0, "\(second.error)")
        let again = try written(program, 2)
        #expect(again.metrics["test/mse_loss"] == mse)
        #expect(again.probes.first?.r2 == probe.r2)
        // Looking changes nothing.
        #expect(try Data(contentsOf: program.folder.url("checkpoints/last.ckpt")) == checkpoint)
    }

    @Test("two processes find what one finds")
    func ranks() throws {
        let program = try LamProgram()
        #expect(try program.fit("--trainer.max_steps", "4").status == 0)
        #expect(try program.run(["validate", "--config", "config.yaml"] + Self.heldOut).status == 0)
        let started = try program.process(ranks: 2, ["validate", "--config", "config.yaml"] + Self.heldOut)
        try started.process.run()
        let result = try program.result(of: started)
        #expect(result.status == 0, "\(result.error)")
        let (one, two) = (try written(program, 1), try written(program, 2))
        #expect(one.pairs == two.pairs && one.code_counts == two.code_counts)
        for tag in ["val/mse_loss", "val/copy_baseline", "val/psnr"] {
            let (a, b) = (try #require(one.metrics[tag]), try #require(two.metrics[tag]))
            #expect(abs(a - b) <= 1e-6 * abs(a), "\(tag): \(a), \(b)")
        }
        #expect(one.probes[0].r2.count == 3 && one.controls.pairs == two.controls.pairs)
        for (target, sources) in one.probes[0].r2 {
            for (source, value) in sources {
                #expect(abs(value - (two.probes[0].r2[target]?[source] ?? .nan)) < 1e-6, "\(target) of \(source)")
            }
        }
        for (name, value) in one.controls.values {
            #expect(abs(value - (two.controls.values[name] ?? .nan)) <= 1e-6 * max(1, abs(value)), "\(name)")
        }
        #expect(one.verdict.lines == two.verdict.lines)
    }

    @Test("a decoder that ignores its codes is found out, and fit ends with a verdict, too")
    func ignoredCodes() throws {
        let program = try LamProgram()
        let trained = try program.fit("--data.val_fraction", "0.5", "--trainer.max_steps", "4")
        #expect(trained.status == 0 && trained.output.contains("\nNext: "), "\(trained.output)")
        #expect(program.exists("logs/tiny/version_0/metrics.json"))
        let path = program.folder.path("checkpoints/last.ckpt")
        var checkpoint = try LightningCheckpoint(contentsOf: path)
        let name = "lam.action_up.weight"
        let weight = try #require(checkpoint.stateDict[name])
        checkpoint.stateDict[name] = StoredTensor(
            floats: [Float](repeating: 0, count: weight.count), shape: weight.shape)
        try checkpoint.write(to: program.folder.path("deaf.ckpt"))
        let result = try program.run(
            "validate", "--config", "config.yaml", "--data.val_fraction", "0.5", "--ckpt_path", "deaf.ckpt")
        #expect(result.status == 0, "\(result.error)")
        let values = try written(program, 1)
        let own = try #require(values.controls.values["own"])
        for control in ["zero", "same_episode", "other_episode", "gaussian"] {
            #expect(abs(try #require(values.controls.values[control]) - own) < 1e-6 * own, "\(control)")
        }
        #expect(result.output.contains("with the codes of another episode is that with the own ones"))
        #expect(["unused", "not_better_than_copy"].contains(values.verdict.latents))
    }

    @Test("a limited validation looks at all episodes, the same pairs each time, and says how many of how many")
    func limited() throws {
        let program = try LamProgram()
        #expect(try program.fit("--trainer.max_steps", "2").status == 0)
        let arguments = [
            "validate", "--config", "config.yaml", "--ckpt_path", "last", "--trainer.limit_val_batches", "3",
        ]
        let (first, second) = (try program.run(arguments), try program.run(arguments))
        #expect(first.status == 0, "\(first.error)")
        let (one, two) = (try written(program, 1), try written(program, 2))
        #expect(one.pairs == 12 && one.metrics == two.metrics)
        #expect(first.output.contains("12 pairs of "), "\(first.output)")
        #expect(first.output.contains("looked at 12 pairs of "), "\(first.output)")
        #expect(!one.probes[0].r2.isEmpty, "pairs of several episodes")
        #expect(second.status == 0)
    }

    @Test("a missing checkpoint is a usage error; without held-out episodes all are looked at, and a line says so")
    func edges() throws {
        let program = try LamProgram()
        let missing = try program.run("validate", "--config", "config.yaml")
        #expect(missing.status == 2 && missing.error.contains("ckpt_path"), "\(missing.error)")
        let nowhere = try program.run("validate", "--ckpt_path", "nope")
        #expect(nowhere.status == 2 && nowhere.error.contains("--ckpt_path nope: expected"), "\(nowhere.error)")
        #expect(try program.fit("--trainer.max_steps", "2").status == 0)
        let all = try program.run(
            "validate", "--config", "config.yaml", "--ckpt_path", "last", "--trainer.limit_val_batches", "2",
            "--trainer.logger", "false", "--trainer.default_root_dir", "out")
        // `last` is looked for where the configuration's callbacks write.
        #expect(all.status == 0, "\(all.error)")
        #expect(all.error.contains("all 6 episodes, as data.val_fraction is 0"))
        #expect(all.output.contains(" 8 pairs of "), "\(all.output)")
        #expect(program.exists("out/metrics.json"))
        let help = try program.run("validate", "--help")
        #expect(help.status == 0 && help.output.contains("--ckpt_path"))
    }
}
