import Foundation
import LAMTrain
import TestSupport
import Testing

/// What `lam fit` says and logs of a run's health, and how it ends early.
@Suite struct HealthRunTests {
    private func lines(_ program: LamProgram) throws -> [JSONValue] {
        try String(contentsOf: program.folder.url("logs/tiny/version_0/metrics.jsonl"), encoding: .utf8)
            .split(separator: "\n").map { try JSONDecoder().decode(JSONValue.self, from: Data($0.utf8)) }
    }

    @Test("verdicts come at their steps; perplexity, ages, restarts, uses of codes and norms of blocks are logged")
    func verdicts() throws {
        let program = try LamProgram()
        let result = try program.fit("--trainer.max_steps", "8", "--trainer.health_every_n_steps", "4")
        #expect(result.status == 0, "\(result.error)")
        for step in [4, 8] {
            #expect(result.output.contains("step \(step): ") && result.output.contains(" of 8 codes live (perplexity "))
        }
        // Codes restart in step 6, and two steps train none.
        let summary = try #require(result.output.split(separator: "\n").first { $0.hasPrefix("codes  ") })
        #expect(summary.contains(" more have only just been restarted"), "\(result.output)")
        let judged = try program.run("validate", "--config", "config.yaml", "--ckpt_path", "last")
        #expect(judged.output.contains(" more have only just been restarted, and count once"), "\(judged.output)")
        let lines = try lines(program)
        let steps = lines.filter { $0["train_loss_step"] != nil }
        #expect(steps.count == 8)
        for line in steps {
            #expect(try (1...8).contains(#require(line["train/perplexity_step"]?.double)))
            for tag in ["codes/dead", "codes/oldest_age", "codes/restarts"] {
                #expect(try #require(line[tag]?.double) >= 0, "\(tag)")
            }
            let parts = (line.object ?? [:]).filter { $0.key.hasPrefix("grad_norm/") }
            #expect(parts["grad_norm/encoder.transformer_blocks.0"] != nil && parts["grad_norm/vq"] != nil)
            for part in ["encoder", "decoder"] {
                #expect(try #require(line["activation_rms/\(part).transformer_blocks.0"]?.double) > 0)
            }
            let total = parts.values.compactMap(\.double).reduce(0) { $0 + $1 * $1 }.squareRoot()
            let whole = try #require(line["grad_norm_step"]?.double)
            #expect(abs(total - whole) < 1e-4 * whole, "the parts make up the whole")
        }
        let plot = try program.run("plot", "logs/tiny", "logs/tiny/version_0", "-o", "curves.svg")
        #expect(plot.status == 0 && program.exists("curves.svg"), "\(plot.error)")
        let report = try program.run("report", "logs/tiny")
        #expect(report.status == 0 && program.exists("logs/tiny/version_0/report.html"), "\(report.error)")
        let none = try program.run("report", "nowhere")
        #expect(none.status == 1 && none.error.hasPrefix("error: cannot show a run: nowhere"))

        let uses = lines.compactMap { $0["codes/uses"]?.array?.compactMap(\.double) }
        #expect(uses.count == 8 && uses.allSatisfy { $0.count == 8 && $0.reduce(0, +) == 16 })
    }

    @Test("what blocks give is measured on logged steps, and the measuring changes no step")
    func activations() throws {
        func values(_ options: String...) throws -> (rms: [Double], state: TrainingState) {
            let program = try LamProgram()
            let result = try program.fit(options + ["--trainer.max_steps", "4"])
            try #require(result.status == 0, "\(result.error)")
            let tag = "activation_rms/encoder.transformer_blocks.0"
            return (try lines(program).compactMap { $0[tag]?.double }, TrainingState(try program.checkpoint()))
        }
        let all = try values(), some = try values("--trainer.log_every_n_steps", "2")
        #expect(all.rms.count == 4 && some.rms == [all.rms[1], all.rms[3]])
        #expect(some.state.differences(from: all.state) == [])
        let again = try values("--trainer.activation_checkpointing", "true")
        #expect(again.rms == all.rms && again.state.differences(from: all.state) == [])
        let half = try values("--trainer.precision", "bf16-mixed").rms
        // Three bits of a norm are left of bf16's eight after a few operations.
        for (a, b) in zip(all.rms, half) { #expect(abs(a - b) <= 0.05 * a, "\(a), \(b)") }
    }

    @Test("early stopping ends a run with its checkpoint and summary, and an unknown value is refused")
    func earlyStopping() throws {
        let program = try LamProgram(changing: [
            "  logger:": """
                - class_path: lightning.pytorch.callbacks.EarlyStopping
                  init_args: {monitor: val_loss, patience: 1, min_delta: 100.0}
              logger:
            """
        ])
        let result = try program.fit(
            "--data.val_fraction", "0.5", "--trainer.max_steps", "50", "--trainer.limit_train_batches", "2",
            "--trainer.limit_val_batches", "1")
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.contains("early stopping: val_loss was not better than"), "\(result.output)")
        #expect(result.output.contains("4 steps in"))
        let checkpoint = try program.checkpoint()
        #expect(checkpoint.globalStep == 4)
        #expect(try #require(checkpoint.earlyStoppings().first).bestScore.isFinite)

        let unknown = try program.fit("--trainer.max_steps", "50")
        #expect(unknown.status == 1 && unknown.error.contains("val_loss"), "nothing is held out: \(unknown.error)")
    }
}
