import Foundation
import TestSupport
import Testing

/// Loggers of other programs, as a run writes them.
@Suite struct TrackerTests {
    private static let loggers = """
            - class_path: lightning.pytorch.loggers.TensorBoardLogger
              init_args:
                save_dir: logs
                name: tiny
            - class_path: lightning.pytorch.loggers.CSVLogger
              init_args: {save_dir: logs, name: table}
            - class_path: lightning.pytorch.loggers.WandbLogger
              init_args: {save_dir: logs, project: arms, name: first, version: abc123, offline: true}
            - class_path: lightning.pytorch.loggers.MLFlowLogger
              init_args: {save_dir: logs/mlruns, experiment_name: arms, run_name: first}
            - class_path: TrackioLogger
              init_args: {store_dir: logs/trackio, project: arms, name: first}
        """

    private func trained() throws -> LamProgram {
        let program = try LamProgram(changing: [
            """
                - class_path: lightning.pytorch.loggers.TensorBoardLogger
                  init_args:
                    save_dir: logs
                    name: tiny
            """: Self.loggers
        ])
        let result = try program.fit("--trainer.max_steps", "3")
        try #require(result.status == 0, "\(result.error)")
        return program
    }

    private func text(_ program: LamProgram, _ path: String) throws -> String {
        try String(contentsOf: program.folder.url(path), encoding: .utf8)
    }

    /// Losses by step, as `metrics.jsonl` has them.
    private func losses(_ program: LamProgram) throws -> [String] {
        try text(program, "logs/tiny/version_0/metrics.jsonl").split(separator: "\n").compactMap { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return (object?["train_loss_step"] as? NSNumber).map { "\($0.doubleValue)" }
        }
    }

    @Test("a run is in all of them, with the same numbers, and each has metrics.jsonl for plot and report")
    func records() throws {
        let program = try trained()
        let losses = try losses(program)
        #expect(losses.count == 3)

        let table = try text(program, "logs/table/version_0/metrics.csv").components(separatedBy: "\r\n").dropLast()
        let columns = table[0].components(separatedBy: ",")
        #expect(columns == columns.sorted() && columns.contains("step"))
        let place = try #require(columns.firstIndex(of: "train_loss_step"))
        let cells = table.dropFirst().map { $0.components(separatedBy: ",") }
        #expect(cells.allSatisfy { $0.count == columns.count })
        #expect(cells.map { $0[place] }.filter { !$0.isEmpty } == losses)
        #expect(program.exists("logs/table/version_0/hparams.yaml"))

        let files = program.files()
        let metric = try #require(files.first { $0.hasSuffix("/metrics/train_loss_step") })
        #expect(metric.hasPrefix("logs/mlruns/"))
        let rows = try text(program, metric).split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(rows.map { $0[1] } == losses && rows.map { $0[2] } == ["0", "1", "2"])
        let run = metric.replacingOccurrences(of: "metrics/train_loss_step", with: "")
        #expect(try text(program, run + "meta.yaml").contains("status: 3"))
        #expect(try text(program, run + "params/lam_model_dim") == "32")

        let fragments = files.filter { $0.hasPrefix("logs/trackio/inbox/") }
        let sent = try fragments.map {
            try JSONSerialization.jsonObject(with: Data(contentsOf: program.folder.url($0))) as? [String: Any] ?? [:]
        }
        let metrics = sent.compactMap { ($0["metrics"] as? [String: Any])?["train_loss_step"] as? NSNumber }
        #expect(metrics.map { "\($0.doubleValue)" } == losses)
        #expect(sent.allSatisfy { $0["project"] as? String == "arms" && $0["run"] as? String == "first" })
        #expect((sent[0]["config"] as? [String: Any])?["lam_model_dim"] as? Int == 32)

        let wandb = try #require(files.first { $0.hasSuffix("/run-abc123.wandb") })
        #expect(wandb.hasPrefix("logs/wandb/offline-run-"))
        let bytes = try Data(contentsOf: program.folder.url(wandb))
        #expect(bytes.prefix(7) == Data([0x3A, 0x57, 0x26, 0x42, 0xE1, 0xBE, 0]))
        for text in ["arms", "train_loss_step", "_timestamp"] + losses {
            #expect(bytes.firstRange(of: Data(text.utf8)) != nil, "\(text)")
        }
        #expect(files.count { $0.hasSuffix("metrics.jsonl") } == 5)
        let folder = wandb.replacingOccurrences(of: "/run-abc123.wandb", with: "")
        let plot = try program.run(["plot", folder, String(run.dropLast()), "-o", "two.svg"])
        #expect(plot.status == 0, "\(plot.error)")
    }

    @Test("a logger that there is none of gets the nearest right name")
    func unknown() throws {
        let program = try LamProgram()
        try program.expectRefusal(
            ["--trainer.logger", "lightning.pytorch.loggers.WandLogger"], status: 2,
            says: ["WandLogger", "did you mean `WandbLogger`?"])
    }
}
