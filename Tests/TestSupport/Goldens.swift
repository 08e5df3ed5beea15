import Foundation

/// Where the reference data that the tests compare with lies: `Tests/Goldens`, plain files copied from runs of the
/// original PyTorch, LeRobot and Lightning code (each folder's README says how they were made).
public enum Goldens {
    public static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Goldens")

    /// The repository root of this checkout.
    public static let repository = root.deletingLastPathComponent().deletingLastPathComponent()

    /// `Goldens.url("lam/lam_stage1/config.json")`.
    public static func url(_ path: String) -> URL { root.appendingPathComponent(path) }
}
