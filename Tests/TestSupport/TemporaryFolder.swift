import Foundation

/// A folder for one test's files, removed with the value.
public final class TemporaryFolder: Sendable {
    public let root: URL

    public init() throws {
        root = FileManager.default.temporaryDirectory.appendingPathComponent("lam-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    public func url(_ name: String) -> URL { root.appendingPathComponent(name) }
    public func path(_ name: String) -> String { url(name).path }

    /// Writes `text` to a file and returns its path.
    public func write(_ text: String, to name: String = "config.yaml") throws -> String {
        try text.write(to: url(name), atomically: true, encoding: .utf8)
        return path(name)
    }

    /// The names in the folder, sorted.
    public func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: root.path).sorted() }
}
