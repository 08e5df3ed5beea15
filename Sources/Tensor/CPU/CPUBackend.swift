import Kernels

/// The CPU: our vector kernels and a thread pool.
public final class CPUBackend: Backend {
    public let pool: ThreadPool
    // SAFETY: a table of pure functions, never changed.
    nonisolated(unsafe) let kernels: LamKernels
    /// Whether large f32 products run on bf16 units.
    let usesSplitProducts: Bool
    public let instructionSet: InstructionSet
    private let memory = MemoryPool()

    /// - Parameters:
    ///   - threadCount: compute threads; nil for the CPUs this process may run on.
    ///   - instructionSet: which vector kernels; nil for the fastest.
    ///   - splitsProducts: whether large f32 products run on bf16 units where these are fast enough for that.
    public init(threadCount: Int? = nil, instructionSet: InstructionSet? = nil, splitsProducts: Bool = true) {
        let set = instructionSet ?? .fastest
        guard let table = lam_kernels_named(set.rawValue) else {
            preconditionFailure("this CPU has no \(set.rawValue) instructions")
        }
        self.instructionSet = set
        kernels = table.pointee
        usesSplitProducts = splitsProducts && kernels.split_product != nil
        pool = ThreadPool(threadCount: threadCount ?? Self.usableCPUs)
    }

    // The workers keep the pool alive while they wait for work.
    deinit { pool.stop() }

    /// CPUs in this process's affinity mask.
    public static var usableCPUs: Int { Int(lam_usable_cpus()) }

    /// Whether the CPU multiplies bf16 faster than f32.
    public var hasHalfProducts: Bool { instructionSet == .amx || instructionSet == .avx512bf16 }

    static let name = "CPU"
    public var name: String { Self.name }

    public var summary: String {
        "CPU, \(pool.threadCount) threads, \(String(cString: kernels.name)) kernels"
            + (usesSplitProducts ? ", large products on matrix units" : "")
    }

    /// Bytes that the backend holds for tensors, those in use and those kept for the next ones.
    package var reservedBytes: Int { memory.reservedBytes }

    public func allocate(byteCount: Int) -> DeviceMemory { memory.allocate(byteCount: byteCount) }

    public func upload(_ bytes: UnsafeRawBufferPointer, to tensor: Tensor) {
        precondition(bytes.count == tensor.count * tensor.dtype.byteSize, "\(bytes.count) bytes for \(tensor.shape)")
        if let base = bytes.baseAddress { rawPointer(tensor).copyMemory(from: base, byteCount: bytes.count) }
    }

    public func download(_ tensor: Tensor, into bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count == tensor.count * tensor.dtype.byteSize, "\(bytes.count) bytes for \(tensor.shape)")
        bytes.copyMemory(from: UnsafeRawBufferPointer(start: rawPointer(tensor), count: bytes.count))
    }

    public func readback(_ tensors: [Tensor]) -> Readback {
        let values = tensors.map { tensor -> [Double] in
            switch tensor.dtype {
            case .f32: floats(tensor).map(Double.init)
            case .f64: doubles(tensor)
            case .i32: int32s(tensor).map(Double.init)
            case .bf16, .u8: preconditionFailure("\(tensor.dtype) \(tensor.shape) is not read back, but downloaded")
            }
        }
        return Readback { values }
    }

    public func stage(_ tensor: Tensor) -> HostStage {
        let size = tensor.count * tensor.dtype.byteSize
        return HostStage(
            bytes: UnsafeMutableRawBufferPointer(start: rawPointer(tensor), count: size), owner: tensor.memory)
    }

    /// Calls return when their work is done, and a process without memory has ended.
    public func synchronize() {}

    // MARK: Access to memory

    func rawPointer(_ tensor: Tensor) -> UnsafeMutableRawPointer {
        guard let memory = tensor.memory as? CPUMemory else {
            preconditionFailure(
                "the \(Self.name) backend got a \(tensor.dtype) tensor \(tensor.shape) of the \(tensor.memory.backend) "
                    + "backend; download it there and upload it here")
        }
        return memory.pointer + tensor.offset * tensor.dtype.byteSize
    }

    /// What a backend of this kind has put into a convolution's operand or kept for a backward pass.
    func own<Storage>(_ storage: any Sendable, _ type: Storage.Type) -> Storage {
        guard let storage = storage as? Storage else {
            preconditionFailure(
                "the \(Self.name) backend got \(Swift.type(of: storage)) where it needs its own \(type)")
        }
        return storage
    }

    func pointer(_ tensor: Tensor) -> UnsafeMutablePointer<Float> {
        precondition(tensor.dtype == .f32, "an f32 operation got a \(tensor.dtype) tensor \(tensor.shape)")
        return rawPointer(tensor).assumingMemoryBound(to: Float.self)
    }

    func doublePointer(_ tensor: Tensor) -> UnsafeMutablePointer<Double> {
        precondition(tensor.dtype == .f64, "an f64 operation got a \(tensor.dtype) tensor \(tensor.shape)")
        return rawPointer(tensor).assumingMemoryBound(to: Double.self)
    }

    func halfPointer(_ tensor: Tensor) -> UnsafeMutablePointer<UInt16> {
        precondition(tensor.dtype == .bf16, "a bf16 operation got a \(tensor.dtype) tensor \(tensor.shape)")
        return rawPointer(tensor).assumingMemoryBound(to: UInt16.self)
    }

    func indexPointer(_ tensor: Tensor) -> UnsafeMutablePointer<Int32> {
        precondition(tensor.dtype == .i32, "indices are i32, got \(tensor.dtype) \(tensor.shape)")
        return rawPointer(tensor).assumingMemoryBound(to: Int32.self)
    }

    /// `withScratch(_:of:_:)` of f32.
    func withScratch(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) {
        withScratch(count, of: Float.self, body)
    }

    /// Runs `body` with uninitialised memory that is its own and stays where it is until `body` has returned.
    func withScratch<Element>(
        _ count: Int, of _: Element.Type, _ body: (UnsafeMutablePointer<Element>) -> Void
    ) {
        let memory = memory.allocate(byteCount: count * MemoryLayout<Element>.stride)
        withExtendedLifetime(memory) {
            body(memory.pointer.bindMemory(to: Element.self, capacity: count))
        }
    }

    /// Runs `body(start, count)` over `0 ..< count` in pieces of `grain`, whatever the thread count.
    func split(_ count: Int, grain: Int, _ body: (_ start: Int, _ count: Int) -> Void) {
        let pieces = (count + grain - 1) / grain
        pool.run(pieces) { piece in
            let start = piece * grain
            body(start, min(grain, count - start))
        }
    }
}

/// Instruction sets that the vector kernels are compiled for.
public enum InstructionSet: String, Sendable, CaseIterable {
    case amx, avx512bf16, avx512, avx2, portable

    /// The fastest that this CPU runs.
    public static var fastest: InstructionSet {
        InstructionSet(rawValue: String(cString: lam_kernels_best().pointee.name)) ?? .portable
    }

    /// Those that this CPU runs, widest first.
    public static var available: [InstructionSet] { allCases.filter { lam_kernels_named($0.rawValue) != nil } }
}
