import Foundation
import Tensor

/// How many compute threads the surroundings ask for.
public enum ThreadCount {
    /// The same for the CPUs of this process's affinity mask.
    public static func requested(by environment: [String: String]) -> Int? {
        requested(by: environment, usable: CPUBackend.usableCPUs)
    }

    /// The same for one of `localRanks` processes on this machine. Where nothing is asked for and none is bound to CPUs
    /// of its own, each takes an equal share.
    public static func requested(by environment: [String: String], localRanks: Int) -> Int? {
        if let requested = requested(by: environment) { return requested }
        let usable = CPUBackend.usableCPUs
        return localRanks > 1 && usable == ProcessInfo.processInfo.processorCount ? max(1, usable / localRanks) : nil
    }

    /// `OMP_NUM_THREADS`, which job scripts set for every program, or what Slurm gave to this task; nil where neither
    /// says anything usable. Never more than `usable`.
    ///
    /// A number of Slurm's for the whole node is shared by the tasks on it.
    ///
    /// - Parameter usable: CPUs that the process may run on.
    public static func requested(by environment: [String: String], usable: Int) -> Int? {
        func number(_ name: String) -> Int? {
            // "4,2" is OpenMP's list for nested regions, "16(x2)" Slurm's for equal nodes.
            let digits = environment[name]?.prefix { $0.isASCII && $0.isNumber }
            return digits.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
        }
        let slurm =
            number("SLURM_CPUS_PER_TASK")
            ?? number("SLURM_CPUS_ON_NODE").map { max(1, $0 / (number("SLURM_NTASKS_PER_NODE") ?? 1)) }
        return (number("OMP_NUM_THREADS") ?? slurm).map { min($0, max(1, usable)) }
    }
}
