import Foundation

/// What a look at one part of the machine came to.
public struct Finding: Codable, Sendable, Equatable {
    public enum Verdict: String, Codable, Sendable {
        case ok
        /// Training works, though not all that it could do.
        case warning
        /// Training would fail.
        case broken
    }

    public let what: String
    public let verdict: Verdict
    /// What was found, in one line.
    public let found: String
    /// What to do; nil where all is well.
    public let remedy: String?

    static func ok(_ what: String, _ found: String) -> Finding {
        Finding(what: what, verdict: .ok, found: found, remedy: nil)
    }

    static func warning(_ what: String, _ found: String, remedy: String) -> Finding {
        Finding(what: what, verdict: .warning, found: found, remedy: remedy)
    }

    static func broken(_ what: String, _ found: String, remedy: String) -> Finding {
        Finding(what: what, verdict: .broken, found: found, remedy: remedy)
    }

    /// One line for people.
    public var text: String {
        let name = verdict.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0)
        return "\(name) \(what): \(found)" + (remedy.map { "; \($0)" } ?? "")
    }
}
