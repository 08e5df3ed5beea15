import Foundation
import LAMTrain

/// How many compute threads the surroundings ask for.
enum Threads {
    /// Nil where they say nothing usable.
    static var fromEnvironment: Int? { ThreadCount.requested(by: ProcessInfo.processInfo.environment) }
}
