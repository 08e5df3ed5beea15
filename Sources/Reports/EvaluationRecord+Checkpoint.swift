import Foundation

extension EvaluationRecord {
    /// The newest evaluation of a checkpoint among the runs that lie where its own does: in its folder, or in that of
    /// `version_N/checkpoints`.
    ///
    /// - Returns: nil where no `metrics.json` there is of this checkpoint.
    package static func newest(ofCheckpoint path: String, step: Int) -> (path: String, record: EvaluationRecord)? {
        let folder = URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent()
        let name = URL(fileURLWithPath: path).lastPathComponent
        let run = folder.deletingLastPathComponent()
        let isOfVersion = run.lastPathComponent.hasPrefix("version_")
        let versions = isOfVersion ? run.deletingLastPathComponent() : folder
        let last = RunVersion.newest(in: versions.path)
        let folders = (last < 0 ? [] : (0...last).map { versions.appendingPathComponent("version_\($0)") }) + [folder]
        for folder in folders.reversed() {
            let file = folder.appendingPathComponent(fileName)
            guard let content = try? Data(contentsOf: file), let record = try? EvaluationRecord(json: content),
                record.step == step, URL(fileURLWithPath: record.checkpoint).lastPathComponent == name
            else { continue }
            return (file.path, record)
        }
        return nil
    }
}

extension EvaluationRecord.Verdict {
    /// The sentence that speaks against using the latents, if there is one.
    package var doubt: String? {
        if ["unused", "not_better_than_copy"].contains(latents) { return lines.first }
        return actions == "not_about_action" && lines.count > 1 ? lines[1] : nil
    }
}
