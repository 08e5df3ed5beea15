import Foundation

extension EvaluationRecord {
    /// The values of an evaluation, by name.
    ///
    /// - Parameter folder: that `lam validate` or `lam test` has written to.
    /// - Throws: `ReportError.unreadable`.
    package static func metrics(in folder: String) throws -> [(name: String, value: Double)] {
        let path = "\(folder)/\(fileName)"
        do {
            let record = try EvaluationRecord(json: Data(contentsOf: URL(fileURLWithPath: path)))
            return record.metrics.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        } catch {
            throw ReportError.unreadable(path: path, reason: error.localizedDescription)
        }
    }
}
