import AcceleratorTestSupport
import Foundation
import LAMTrain
import Parity
import TestSupport
import Testing
import Wan

/// Commands beside `fit` on a plugin's device, and runs there that end hard.
@Suite(
    "Commands on a plugin's device", .serialized,
    .enabled(if: TestPlugin.isThere, "the CPU plugin was not fetched: bash scripts/accelerator.sh cpu"))
struct DeviceCommandTests {
    private static let device = ["--trainer.accelerator", "pjrt-cpu"]

    private func metrics(_ program: LamProgram, _ version: Int) throws -> [String: Double] {
        let data = try Data(contentsOf: program.folder.url("logs/tiny/version_\(version)/metrics.json"))
        let object = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        return (object?["metrics"] as? [String: Any] ?? [:]).compactMapValues { $0 as? Double }
    }

    @Test("validate, test and predict give the CPU's values")
    func evaluation() throws {
        let program = try LamProgram()
        try #require(try program.fit("--data.val_fraction", "0.5", "--trainer.max_steps", "10").status == 0)
        for (command, version) in [("validate", 1), ("test", 3)] {
            let options = [command, "--config", "config.yaml", "--ckpt_path", "last", "--data.val_fraction", "0.5"]
            for kind in ["cpu", "pjrt-cpu"] {
                let result = try program.run(options + ["--trainer.accelerator", kind])
                try #require(result.status == 0, "\(result.error)")
            }
            let (expected, got) = (try metrics(program, version), try metrics(program, version + 1))
            #expect(!expected.isEmpty && expected.keys == got.keys)
            for (name, value) in expected {
                let found = try #require(got[name])
                #expect(abs(found - value) <= 1e-3 * max(1, abs(value)), "\(name): \(value), \(found)")
            }
        }
        for kind in ["cpu", "pjrt-cpu"] {
            let result = try program.run([
                "predict", "--config", "config.yaml", "--ckpt_path", "last", "--output", kind, "--format", "jsonl",
                "--trainer.accelerator", kind,
            ])
            try #require(result.status == 0, "\(result.error)")
        }
        let labels = program.files().filter { $0.hasPrefix("cpu/") && $0.hasSuffix(".jsonl") }
        #expect(!labels.isEmpty)
        for file in labels {
            let a = try String(contentsOf: program.folder.url(file), encoding: .utf8)
            let b = try String(contentsOf: program.folder.url("pjrt-" + file), encoding: .utf8)
            #expect(a == b, "\(file)")
        }
    }

    @Test("extract-latents gives the reference's latents")
    func extraction() throws {
        let program = try LamProgram(), reference = Goldens.url("wan/latents_pth").path
        try FileManager.default.copyItem(
            at: Goldens.url("wan/latents_pth/dataset"), to: program.folder.url("dataset"))
        let result = try program.run([
            "extract-latents", "--ckpt_dir", reference + "/ckpt_dir", "--dataset_path", "dataset", "--device",
            "pjrt-cpu",
        ])
        try #require(result.status == 0, "\(result.error)")
        let files = program.files().filter { $0.hasPrefix("dataset/latents/") && $0.hasSuffix(".pth") }
        #expect(!files.isEmpty)
    }

    @Test("a run that is killed goes on from its last checkpoint to the bits of one that was not")
    func kill() throws {
        let steps = "60", sparse = ["every_n_train_steps: 2": "every_n_train_steps: 10"]
        let whole = try LamProgram(changing: sparse), killed = try LamProgram(changing: sparse)
        try #require(try whole.fit(Self.device + ["--trainer.max_steps", steps]).status == 0)
        let started = try killed.process(
            ["fit", "--config", "config.yaml", "--trainer.max_steps", steps] + Self.device)
        try started.process.run()
        while started.process.isRunning, !killed.exists("checkpoints/last.ckpt") { usleep(1_000) }
        Foundation.kill(started.process.processIdentifier, SIGKILL)
        _ = try killed.result(of: started)
        #expect(try killed.checkpoint().globalStep >= 10)
        let rest = try killed.fit(Self.device + ["--trainer.max_steps", steps, "--ckpt_path", "last"])
        try #require(rest.status == 0, "\(rest.error)")
        let differences = TrainingState(try killed.checkpoint()).differences(
            from: TrainingState(try whole.checkpoint()))
        #expect(differences.isEmpty, "\(differences)")
    }

    @Test("bench says which device is missing, and profiles the CPU alone")
    func bench() throws {
        let program = try LamProgram()
        for command in ["engine", "encoders", "vae"] {
            let missing = try program.run(
                ["bench", command, "--accelerator", "tpu"], inShell: "LAM_PJRT_PLUGIN=/nowhere/plugin.so \"$0\" \"$@\"")
            #expect(missing.status == 2 && missing.error.contains("/nowhere/plugin.so"), "\(missing.error)")
            #expect(try program.run(["bench", command, "--accelerator", "tpu", "--profile"]).status == 2)
        }
    }

    @Test("tf32 is refused where the device does not have it", arguments: ["cpu", "pjrt-cpu", "auto"])
    func noTF32(kind: String) throws {
        let result = try LamProgram().fit("--trainer.accelerator", kind, "--trainer.precision", "tf32")
        #expect(result.status == 2, "\(result.error)")
        #expect(result.error.contains("32-true or bf16-mixed"), "\(result.error)")
    }
}
