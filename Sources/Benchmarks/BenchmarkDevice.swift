import Devices
import Tensor

/// What a benchmark measures: the CPU, or a device with a PJRT plugin.
public struct BenchmarkDevice: Sendable {
    public var choice: DeviceChoice
    /// The process's variables, which say where plugins are.
    public var environment: [String: String]
    /// Takes lines for the user, of programs that are compiled.
    public var announce: (@Sendable (String) -> Void)?

    public init(
        _ choice: DeviceChoice = .cpu, environment: [String: String] = [:],
        announce: (@Sendable (String) -> Void)? = nil
    ) {
        (self.choice, self.environment, self.announce) = (choice, environment, announce)
    }

    /// - Parameters:
    ///   - threads: compute threads of the CPU; nil for the CPUs that this process may use.
    ///   - instructionSet: of the CPU; nil for the fastest.
    /// - Throws: `DeviceError`.
    func open(threads: Int?, instructionSet: InstructionSet? = nil) throws(DeviceError) -> any Backend {
        guard choice != .cpu else { return Device.cpu(threads: threads, instructionSet: instructionSet) }
        return try Device.open(choice, threads: threads, environment: environment, announce: announce)
    }
}
