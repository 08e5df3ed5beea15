import Accelerator
import AcceleratorTestSupport
import BackendConformance
import PJRT
import Tensor

/// The conformance suite, and training steps of small models against the CPU backend.
struct Correctness {
    private let client: Client

    init(_ client: Client) { self.client = client }

    /// - Returns: how many checks failed.
    func run(_ report: inout Report) -> Int {
        var failed = 0
        let start = ContinuousClock.now
        for check in BackendConformance.checks {
            let failures = check.failures(on: client.backend())
            if !failures.isEmpty { failed += 1 }
            for failure in failures.prefix(3) { say("FAILED \(check): \(failure)") }
        }
        report.add(
            "conformance",
            [
                ("checks", Double(BackendConformance.checks.count)), ("failed", Double(failed)),
                ("seconds", (ContinuousClock.now - start) / .seconds(1)),
            ])
        for kind in SmallTraining.Kind.allCases {
            for (autocast, limit) in [(Autocast.off, 1e-4), (.bf16, 2e-2)] {
                let worst = (try? difference(kind, autocast)) ?? .infinity
                if !(worst <= limit) { failed += 1 }
                report.add(
                    "\(kind.rawValue), \(autocast == .off ? "f32" : "bf16")",
                    [("loss differs by", worst), ("limit", limit)])
            }
        }
        return failed
    }

    /// The largest difference of a loss in ten steps.
    private func difference(_ kind: SmallTraining.Kind, _ autocast: Autocast) throws -> Double {
        let cpu = SmallTraining(kind, autocast: autocast, on: TestBackend.cpu(instructionSet: .portable))
        let device = SmallTraining(kind, autocast: autocast, on: client.backend())
        return try (1...10).reduce(0.0) { worst, number in
            let (a, b) = (try cpu.step(number, keepsGradients: false), try device.step(number, keepsGradients: false))
            return max(worst, abs(a.loss - b.loss))
        }
    }
}
