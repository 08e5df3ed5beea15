import AcceleratorTestSupport
import Foundation
import LAMTrain
import TestSupport
import Testing

/// Runs on the plugin for CPUs, through the program.
@Suite(
    "Runs on a plugin's device", .serialized,
    .enabled(if: TestPlugin.isThere, "the CPU plugin was not fetched: bash scripts/accelerator.sh cpu"))
struct AcceleratorRunTests {
    private static let device = ["--trainer.accelerator", "pjrt-cpu"]
    private static let steps = [
        "--trainer.max_steps", "50", "--data.val_fraction", "0.2", "--trainer.val_check_interval", "20",
    ]

    /// The loss of each logged step.
    private func losses(_ program: LamProgram) throws -> [Double] {
        let files = FileManager.default.enumerator(at: program.folder.root, includingPropertiesForKeys: nil)
        let metrics = try #require(
            files?.compactMap { $0 as? URL }.first { $0.lastPathComponent == "metrics.jsonl" })
        return try String(contentsOf: metrics, encoding: .utf8).split(separator: "\n").compactMap { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return object?["train_loss_step"] as? Double
        }
    }

    private func weights(_ program: LamProgram) throws -> [[Float]] {
        try program.checkpoint().stateDict.values.map { $0.floats() }
    }

    @Test("losses follow the CPU's, validation in between, and codes restart alike")
    func followsCPU() throws {
        let cpu = try LamProgram(), device = try LamProgram()
        let expected = try cpu.fit(Self.steps + ["--trainer.accelerator", "cpu"])
        let got = try device.fit(Self.steps + Self.device)
        try #require(expected.status == 0 && got.status == 0, "\(expected.error)\(got.error)")
        #expect(got.output.contains("cpu device 0"))
        let (a, b) = (try losses(cpu), try losses(device))
        #expect(a.count == b.count && a.count >= 50)
        for (step, pair) in zip(a, b).enumerated() {
            #expect(abs(pair.0 - pair.1) <= 1e-3 * max(1, pair.0), "step \(step): \(pair)")
        }
    }

    @Test("a run in two parts has the bits of one in one part, and goes on from either kind of device")
    func resumes() throws {
        let whole = try LamProgram(), parts = try LamProgram()
        try #require(try whole.fit(Self.device + ["--trainer.max_steps", "8"]).status == 0)
        try #require(try parts.fit(Self.device + ["--trainer.max_steps", "4"]).status == 0)
        let second = try parts.fit(Self.device + ["--trainer.max_steps", "8", "--ckpt_path", "last"])
        try #require(second.status == 0, "\(second.error)")
        let differences = TrainingState(try parts.checkpoint()).differences(from: TrainingState(try whole.checkpoint()))
        #expect(differences.isEmpty, "\(differences)")
        for order in [["pjrt-cpu", "cpu"], ["cpu", "pjrt-cpu"]] {
            let mixed = try LamProgram()
            for (kind, steps) in zip(order, ["4", "8"]) {
                let go = steps == "8" ? ["--ckpt_path", "last"] : []
                let result = try mixed.fit(["--trainer.accelerator", kind, "--trainer.max_steps", steps] + go)
                try #require(result.status == 0, "\(result.error)")
            }
            let difference = zip(try weights(mixed).joined(), try weights(whole).joined()).reduce(Float(0)) {
                max($0, abs($1.0 - $1.1))
            }
            #expect(difference <= 2e-4, "\(order): \(difference)")
        }
    }

    @Test("bf16 and accumulated batches run, too")
    func options() throws {
        let program = try LamProgram()
        let result = try program.fit(
            Self.device + [
                "--trainer.precision", "bf16-mixed", "--trainer.accumulate_grad_batches", "2", "--trainer.max_steps",
                "4",
            ])
        #expect(result.status == 0, "\(result.error)")
    }
}

@Suite("Devices that are not there")
struct MissingDeviceTests {
    @Test("are one line with the remedy and exit code 2", arguments: ["gpu", "cuda", "tpu"])
    func missing(kind: String) throws {
        let program = try LamProgram()
        let result = try program.fit(
            afterShell: "export LAM_PJRT_PLUGIN=/nowhere/plugin.so", "--trainer.accelerator", kind)
        #expect(result.status == 2)
        let lines = result.error.split(separator: "\n").filter { !$0.hasPrefix("note:") }
        #expect(lines.count == 1 && lines[0].contains("/nowhere/plugin.so"), "\(result.error)")
        #expect(result.error.contains("scripts/accelerator.sh"))
    }

    @Test("a plugin of another platform is refused", .enabled(if: TestPlugin.isThere))
    func otherPlatform() throws {
        let program = try LamProgram(), path = try #require(TestPlugin.path)
        let result = try program.fit(
            afterShell: "export LAM_PJRT_PLUGIN=\(path)", "--trainer.accelerator", "gpu")
        #expect(result.status == 2)
        #expect(result.error.contains("got one for cpu"), "\(result.error)")
    }
}
