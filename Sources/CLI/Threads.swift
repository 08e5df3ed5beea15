import Foundation
import LAMTrain

/// How many compute threads the surroundings ask for.
enum Threads {
    /// The same for one of `localRanks` processes on this machine, which share its CPUs where nothing else has shared
    /// them out.
    static func ofRank(localRanks: Int) -> Int? {
        ThreadCount.requested(
            by: ProcessInfo.processInfo.environment, localRanks: localRanks)
    }

    /// Nil where they say nothing usable.
    static var fromEnvironment: Int? { ThreadCount.requested(by: ProcessInfo.processInfo.environment) }
}
