import Foundation
import LAMTrain
import Parity
import TestSupport
import Testing

@Suite("Parity with PyTorch")
struct ParityRunnerTests {
    @Test(
        "every reference tensor is met within its tolerance",
        arguments: [
            "dinov2", "dinov3", "lam_stage1", "lam_stage1_text", "lam_stage2", "vq", "lightning_ckpt", "t5base",
            "fsq", "lawam_ae", "lawam_blocks", "lawam_ema", "lawam_eval", "lawam_nsvq", "lawam_spec", "lawam_state",
            "lawam_vae",
            "lawam_vq", "lawam_vq_ops",
        ])
    func cases(kind: String) throws {
        let report = try ParityRunner.run(case: Goldens.url("lam/\(kind)").path)
        for line in report.lines where !line.passes {
            Issue.record(
                "\(line.name): \(line.note ?? "error \(line.maxAbsoluteError), limit \(line.limit)")")
        }
        #expect(report.passes && report.lines.count > 20)
    }

    @Test("cases of fewer tensors", arguments: ["lawam_aug", "lawam_dino", "lawam_losses", "lawam_positions"])
    func smallCases(kind: String) throws {
        let report = try ParityRunner.run(case: Goldens.url("lam/\(kind)").path)
        for line in report.lines where !line.passes {
            Issue.record("\(line.name): \(line.note ?? "error \(line.maxAbsoluteError), limit \(line.limit)")")
        }
        #expect(report.passes && report.lines.count >= 9)
    }

    @Test("cases are found in a tree, and folders of unknown kinds are named")
    func discovery() throws {
        let found = try ParityRunner.cases(in: Goldens.url("lam").path)
        #expect(
            found.known.map { URL(fileURLWithPath: $0).lastPathComponent }
                == [
                    "dinov2", "dinov3", "fsq", "lam_stage1", "lam_stage1_text", "lam_stage2", "lawam_ae",
                    "lawam_aug", "lawam_blocks", "lawam_dino", "lawam_ema", "lawam_eval", "lawam_losses", "lawam_nsvq",
                    "lawam_positions",
                    "lawam_spec", "lawam_state", "lawam_vae", "lawam_vq", "lawam_vq_ops", "lightning_ckpt", "t5base",
                    "vq",
                ])
        #expect(found.unknown.isEmpty)
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(at: folder.url("poem"), withIntermediateDirectories: true)
        try Data("{}".utf8).write(to: folder.url("poem/config.json"))
        let unknown = try ParityRunner.cases(in: folder.root.path).unknown
        #expect(unknown.map { URL(fileURLWithPath: $0).lastPathComponent } == ["poem"])
        #expect(throws: ParityError.self) { try ParityRunner.run(case: folder.path("poem")) }
        #expect(throws: ParityError.noFolder(path: folder.path("none"))) {
            try ParityRunner.cases(in: folder.path("none"))
        }
    }

    @Test("a difference of NaN, a missing element and an empty report never pass")
    func verdicts() {
        #expect(!ParityReport(folder: "").passes)
        for (got, expected, passes) in [
            ([Double.nan], [1.0], false), ([1], [.nan], false), ([.infinity], [1], false), ([1], [1, 2], false),
            ([], [1], false), ([1.01], [1], false), ([1], [1], true), ([.infinity], [.infinity], true),
        ] {
            var report = ParityReport(folder: "")
            report.compare("tensor", got, to: expected, within: .relativeToMax(1e-3))
            #expect(report.passes == passes, "\(got) for \(expected)")
        }
    }

    @Test("tolerances are limits on the absolute difference")
    func tolerances() {
        for (tolerance, limit) in [
            (ParityTolerance.absolute(1e-3), 1e-3), (.relativeToMax(1e-3), 4e-3),
            (.mixed(absolute: 1e-3, factor: 1e-2), 1e-3 + 4e-2), (.exact, 0),
        ] {
            var report = ParityReport(folder: "")
            report.compare("tensor", [4.0], to: [-4.0], within: tolerance)
            #expect(report.lines[0].limit == limit && report.lines[0].maxAbsoluteError == 8)
            #expect(report.lines[0].maxRelativeError == 2)
        }
    }
}
