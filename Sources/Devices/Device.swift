import Tensor

/// The one place that knows which backends there are.
public enum Device {
    /// The backend that a run computes on.
    ///
    /// - Parameter threads: compute threads; nil for the CPUs that this process may use.
    public static func open(threads: Int? = nil) -> any Backend { cpu(threads: threads) }

    /// The CPU, for those who measure or compare what is particular to it.
    ///
    /// - Parameter instructionSet: which vector kernels; nil for the fastest.
    public static func cpu(threads: Int? = nil, instructionSet: InstructionSet? = nil) -> CPUBackend {
        CPUBackend(threadCount: threads, instructionSet: instructionSet)
    }
}
