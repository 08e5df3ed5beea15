import Collectives
import Configuration
import Devices
import Foundation
import LAMTrain
import Tensor

/// A command that works on several devices of one process, each driven by a thread that is a rank of the run.
enum ReplicatedProgram {
    /// Runs `body` on each of the configured devices.
    ///
    /// Several processes have one device each.
    ///
    /// - Parameter body: gets its rank, and its device where it is open. What it throws on one rank ends all.
    /// - Returns: what `body` gives on rank 0.
    static func run<Value: Sendable>(
        _ configuration: LAMConfiguration, _ group: any ProcessGroup,
        _ body: @escaping @Sendable (any ProcessGroup, (any Backend)?) throws -> Value
    ) throws -> Value {
        guard group.size == 1 else { return try body(group, nil) }
        let devices = try configuration.trainer.openDevices(
            threads: Threads.ofRank(localRanks: 1), environment: ProcessInfo.processInfo.environment,
            announce: Console.announcer(group))
        guard devices.count > 1 else { return try body(group, devices[0]) }
        let ranks = ThreadRanks(devices.count, host: group.hosts[0]) { Device.stop(devices) }
        return try ranks.run { rank in try body(rank, devices[rank.rank]) }[0]
    }
}
