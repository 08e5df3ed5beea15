import Foundation

/// How many compute threads the surroundings ask for.
enum Threads {
    /// `OMP_NUM_THREADS`, which job scripts set for every program; nil where it says nothing usable.
    static var fromEnvironment: Int? {
        let first = ProcessInfo.processInfo.environment["OMP_NUM_THREADS"]?.split(separator: ",").first
        return first.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    }
}
