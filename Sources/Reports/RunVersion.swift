import Foundation

/// Lightning numbers the runs of a name: their folders are `version_0`, `version_1` and so on.
package enum RunVersion {
    /// The largest N among the folders `version_N`; -1 where there is none.
    package static func newest(in folder: String) -> Int {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let versions = names.compactMap { name -> Int? in
            var isFolder: ObjCBool = false
            guard name.hasPrefix("version_"), let number = Int(name.dropFirst("version_".count)), number >= 0,
                number < Int.max,
                FileManager.default.fileExists(atPath: folder + "/" + name, isDirectory: &isFolder), isFolder.boolValue
            else { return nil }
            return number
        }
        return versions.max() ?? -1
    }

    /// Whether a version's folder is that of `lam validate` or `lam test`: a run that trained ends with an evaluation, too, but
    /// says how it was made.
    static func isEvaluation(_ folder: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(folder)/\(EvaluationRecord.fileName)")
            && !FileManager.default.fileExists(atPath: "\(folder)/\(RunRecord.fileName)")
    }

    /// The newest evaluation since a run, before the next one: the folder of a version behind the run's.
    static func newestEvaluation(after run: String) -> String? {
        let url = URL(fileURLWithPath: run).standardizedFileURL
        guard let own = Int(url.lastPathComponent.dropFirst("version_".count)) else { return nil }
        let parent = url.deletingLastPathComponent().path
        let newest = newest(in: parent)
        guard own < newest else { return nil }
        let later = (own + 1...newest).map { "\(parent)/version_\($0)" }
        return later.prefix { version in
            isEvaluation(version) || !FileManager.default.fileExists(atPath: "\(version)/\(RunLog.fileName)")
        }.last(where: isEvaluation)
    }
}
