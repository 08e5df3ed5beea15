import Foundation
import LAMData
import TestSupport

/// The datasets of the repository that are sound.
enum SampleDatasets {
    static let names = [
        "droid_push_hf_v21", "droid_push_v30", "ego4d_push_v30", "g1_inspire_v21_subset", "push_default_v30",
        "quickstart_push_v30", "toto_push_images_v30", "toto_push_lf_v20", "toto_push_lf_v21", "typed_columns_v30",
    ]

    static func root(_ name: String) -> String {
        name.hasPrefix("quickstart")
            ? Goldens.repository.appendingPathComponent("datasets/\(name)").path : Goldens.url("datasets/\(name)").path
    }

    static func open(_ name: String) throws -> LeRobotDataset {
        try LeRobotDataset(root: root(name), name: "lam-test/\(name)")
    }
}

/// A copy of a dataset that a test may change.
final class DatasetCopy {
    let root: String

    init(of name: String) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lam-dataset-\(UUID().uuidString)")
        try FileManager.default.copyItem(atPath: SampleDatasets.root(name), toPath: folder.path)
        root = folder.path
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    /// Replaces text in one file.
    func edit(_ file: String, _ old: String, _ new: String) throws {
        let url = URL(fileURLWithPath: "\(root)/\(file)")
        let text = try String(contentsOf: url, encoding: .utf8)
        precondition(text.contains(old), "\(file) does not hold \(old)")
        try text.replacingOccurrences(of: old, with: new).write(to: url, atomically: true, encoding: .utf8)
    }
}
