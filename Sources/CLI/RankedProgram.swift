import ArgumentParser
import Collectives
import Foundation

/// A command that may run as several processes.
enum RankedProgram {
    /// Joins the processes that were started together, runs `body` on each, and ends them all alike.
    ///
    /// Of an error one line is printed, by one rank. Where only some ranks have failed, all are ended: the others would
    /// wait for them.
    ///
    /// - Parameters:
    ///   - trapsSignals: whether signals ask `body` to end rather than end the process.
    ///   - body: returns the signal that has ended it early, if one has. An `ExitCode` must be the same on all ranks.
    static func run(trapsSignals: Bool, _ body: (any ProcessGroup) throws -> Int32?) throws {
        if trapsSignals { SignalTrap.install() }
        let group: any ProcessGroup
        do {
            group = try LaunchEnvironment(ProcessInfo.processInfo.environment).join()
        } catch {
            Console.error("error: \(error)")
            throw ExitStatus.code(for: error)
        }
        do {
            let signal = try body(group)
            if let signal { throw ExitCode(128 + signal) }
            try group.finish()
        } catch let exit as ExitCode {
            try? group.finish()
            throw exit
        } catch let error as CollectiveError where error.isKnownToAll {
            if group.isRoot { Console.error("error: \(error)") }
            try? group.finish()
            throw ExitStatus.code(for: error)
        } catch {
            let status = ExitStatus.code(for: error)
            guard group.size > 1 else {
                Console.error("error: \(error)")
                throw status
            }
            group.fail(status: status.rawValue) {
                let isAboutRanks = error is CollectiveError
                Console.error("error: " + (isAboutRanks ? "" : "\(group.name(of: group.rank)): ") + "\(error)")
            }
        }
    }
}
