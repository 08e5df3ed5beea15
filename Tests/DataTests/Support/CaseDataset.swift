import Foundation
import LAMData
import TestSupport

/// Inputs of `Tests/Goldens/cases/looks`.
enum CaseDataset {
    static func path(_ name: String) -> String { Goldens.url("cases/looks/\(name)").path }

    static func open(_ name: String) throws -> LeRobotDataset { try LeRobotDataset(root: path(name), name: name) }

    /// A copy that a test may change.
    static func copy(_ name: String, to folder: TemporaryFolder, as new: String? = nil) throws -> String {
        let target = folder.path(new ?? name)
        try FileManager.default.copyItem(atPath: path(name), toPath: target)
        return target
    }

    static func edit(_ file: String, _ change: (String) -> String) throws {
        let url = URL(fileURLWithPath: file)
        try change(String(contentsOf: url, encoding: .utf8)).write(to: url, atomically: true, encoding: .utf8)
    }
}
