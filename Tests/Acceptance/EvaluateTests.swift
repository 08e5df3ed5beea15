import Formats
import Foundation
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
        var step: Int
        var held_out: Bool
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
        for row in ["mse  ", "nothing changed  ", "shuffled codes  ", "psnr  ", "codes in use  ", "perplexity  "] {
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
        #expect(values.metrics["val/shuffled_codes_mse"] != nil)
        let probe = try #require(values.probes.first)
        #expect(probe.pairs == values.pairs)
        for target in ["mean", "change"] {
            for source in ["latents", "frame_differences", "noise"] {
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
            "<td>val/perplexity</td>",
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
        let (a, b) = (one.probes[0].r2["mean"]?["latents"] ?? .nan, two.probes[0].r2["mean"]?["latents"] ?? .nan)
        #expect(abs(a - b) < 1e-6, "\(a), \(b)")
    }

    @Test("a missing checkpoint is a usage error; without held-out episodes all are looked at, and a line says so")
    func edges() throws {
        let program = try LamProgram()
        let missing = try program.run("validate", "--config", "config.yaml")
        #expect(missing.status == 2 && missing.error.contains("ckpt_path"), "\(missing.error)")
        #expect(try program.fit("--trainer.max_steps", "2").status == 0)
        let all = try program.run(
            "validate", "--config", "config.yaml", "--ckpt_path", "last", "--trainer.limit_val_batches", "2",
            "--trainer.logger", "false", "--trainer.default_root_dir", "out")
        // `last` is looked for where the configuration's callbacks write.
        #expect(all.status == 0, "\(all.error)")
        #expect(all.error.contains("note: data.val_fraction is 0"))
        #expect(all.output.contains(" 8 pairs"), "\(all.output)")
        #expect(program.exists("out/metrics.json"))
        let help = try program.run("validate", "--help")
        #expect(help.status == 0 && help.output.contains("--ckpt_path"))
    }
}
