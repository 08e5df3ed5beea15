import Foundation
import LAMData

/// Says of merged copies that keep LeRobot's older version how newer readers get at them.
enum MergedVersionNote {
    /// A line for each dataset of version 2 below a folder.
    static func lines(below folder: String) -> [String] {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix("/meta/info.json") }.sorted().compactMap { name in
            let dataset = "\(folder)/\(name.dropLast("/meta/info.json".count))"
            guard let info = try? DatasetInfo(path: "\(folder)/\(name)"), info.codebaseVersion != .v30 else {
                return nil
            }
            return "\(dataset): LeRobot \(info.codebaseVersion.rawValue), as its source; for LeRobot 0.4 and newer: "
                + "lam convert \(dataset) DEST --format v3.0, or label with --merge-format v3.0"
        }
    }
}
