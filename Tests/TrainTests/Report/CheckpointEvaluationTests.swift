import Foundation
import Reports
import TestSupport
import Testing

/// What is known of a checkpoint from the evaluations beside it.
@Suite struct CheckpointEvaluationTests {
    private func write(
        _ latents: String, _ actions: String, step: Int, checkpoint: String = "logs/arm/last.ckpt",
        in folder: TemporaryFolder, _ place: String
    ) throws {
        var record = EvaluationRecord(
            checkpoint: checkpoint, step: step, held_out: true, pairs: 1, codes_in_use: nil, code_counts: nil,
            metrics: [:], probes: [])
        record.verdict = EvaluationRecord.Verdict(latents: latents, actions: actions, lines: ["first", "second"])
        try FileManager.default.createDirectory(atPath: folder.path(place), withIntermediateDirectories: true)
        try Data(record.json()).write(to: folder.url("\(place)/\(EvaluationRecord.fileName)"))
    }

    private func doubt(_ folder: TemporaryFolder, _ checkpoint: String, step: Int) -> String? {
        EvaluationRecord.newest(ofCheckpoint: folder.path(checkpoint), step: step)?.record.verdict?.doubt
    }

    @Test("the newest evaluation of the same file and step counts, in both places that runs keep checkpoints in")
    func newest() throws {
        let folder = try TemporaryFolder()
        try write("used", "about_action", step: 7, in: folder, "arm/version_0")
        #expect(doubt(folder, "arm/last.ckpt", step: 7) == nil)
        try write("unused", "unknown", step: 7, in: folder, "arm/version_1")
        try write("used", "about_action", step: 9, in: folder, "arm/version_2")
        try write("used", "about_action", step: 7, checkpoint: "other.ckpt", in: folder, "arm/version_3")
        #expect(doubt(folder, "arm/last.ckpt", step: 7) == "first")
        #expect(doubt(folder, "arm/version_0/checkpoints/last.ckpt", step: 7) == "first")
        #expect(doubt(folder, "arm/last.ckpt", step: 8) == nil && doubt(folder, "else/last.ckpt", step: 7) == nil)
    }

    @Test("codes that are used but tell nothing of the actions are doubted, too")
    func actions() throws {
        let folder = try TemporaryFolder()
        try write("used", "not_about_action", step: 1, in: folder, "arm")
        #expect(doubt(folder, "arm/last.ckpt", step: 1) == "second")
        try write("used", "about_frame", step: 1, in: folder, "arm")
        #expect(doubt(folder, "arm/last.ckpt", step: 1) == nil)
    }
}
