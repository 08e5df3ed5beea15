import Foundation
import PJRT
import StableHLO
import Tensor

/// A device with a PJRT plugin, as a backend.
///
/// Nothing runs when an operation is asked for: it becomes a line of a program, and memory regions become values of it. When
/// the host waits for a result, the program is compiled, or found among those that were compiled before, and run. So a
/// training step is one program without anybody saying where it begins or ends, and what nobody asks for is never computed.
///
/// Results depend on the arguments and the compiled program alone.
public final class RecordingBackend: Backend {
    public let name: String
    public let summary: String
    // SAFETY: used under the lock only.
    private nonisolated(unsafe) let session: Session
    private let lock = NSLock()
    let replicas: Replicas?
    public let replicaCount: Int

    /// - Parameters:
    ///   - device: which of the client's devices.
    ///   - settings: how programs are compiled.
    ///   - precision: how exactly products of f32 are made.
    public convenience init(
        _ client: Client, device: Int = 0, settings: CompilationSettings = CompilationSettings(),
        precision: Precision = .exact
    ) {
        let device = client.devices[device]
        self.init(Compiler(client, [device], settings), device, replica: nil, precision: precision)
    }

    init(_ compiler: Compiler, _ device: Device, replica: (of: Replicas, number: Int)?, precision: Precision) {
        let client = compiler.client
        name = "PJRT \(client.platform) \(device.id)"
        summary = "\(client.platform) device \(device.id), \(device.kind), PJRT \(client.plugin.version)"
        self.precision = precision
        session = Session(compiler, device, replica: replica)
        (replicas, replicaCount) = (replica?.of, replica == nil ? 1 : compiler.devices.count)
    }

    let precision: Precision

    public func allocate(byteCount: Int) -> DeviceMemory { Region(byteCount: byteCount, of: self) }

    /// Adds operations to the program.
    func record<Result>(_ body: (Recording) -> Result) -> Result {
        locked { body($0.recordingOrNew()) }
    }

    /// Runs `body` while nobody else uses the device.
    func locked<Result>(_ body: (Session) throws -> Result) rethrows -> Result {
        try lock.withLock { try body(session) }
    }

    /// The tensor's memory, which is this backend's.
    func region(of tensor: Tensor) -> Region {
        guard let region = tensor.memory as? Region, region.owner === self else {
            preconditionFailure(
                "the \(name) backend got a \(tensor.dtype) tensor \(tensor.shape) of the \(tensor.memory.backend) "
                    + "backend; download it there and upload it here")
        }
        return region
    }

    /// What a backend of this kind has put into a convolution's operand or kept for a backward pass.
    func own<Storage>(_ storage: any Sendable, _ type: Storage.Type) -> Storage {
        guard let storage = storage as? Storage else {
            preconditionFailure("the \(name) backend got \(Swift.type(of: storage)) where it needs its own \(type)")
        }
        return storage
    }

    /// What the device was asked for so far.
    public struct Statistics: Sendable, Equatable {
        public var programs = 0
        /// Programs that were compiled by another process.
        public var loads = 0
        public var compileSeconds = 0.0
        public var runs = 0
        /// How often the host has waited for a step's numbers with nothing else begun, so that the device had to wait, too.
        public var idlingWaits = 0
        /// Bytes of the device's memory in use, now and at most; nil where the plugin does not count them.
        public var memory: Memory?

        public struct Memory: Sendable, Equatable {
            public var inUse: Int
            public var peak: Int?
        }
    }

    public var statistics: Statistics {
        locked { session in
            let made = session.compiler.statistics
            return Statistics(
                programs: made.programs, loads: made.loads, compileSeconds: made.compileSeconds, runs: session.runs,
                idlingWaits: session.idlingWaits,
                memory: session.device.memory().map { Statistics.Memory(inUse: $0.inUse, peak: $0.peak) })
        }
    }
}
