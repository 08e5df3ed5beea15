import Accelerator
import Foundation
import PJRT
import Tensor

/// The one place that knows which backends there are.
public enum Device {
    /// The CPU.
    ///
    /// - Parameter threads: compute threads; nil for the CPUs that this process may use.
    public static func open(threads: Int? = nil) -> any Backend { cpu(threads: threads) }

    /// The CPU, for those who measure or compare what is particular to it.
    ///
    /// - Parameter instructionSet: which vector kernels; nil for the fastest.
    public static func cpu(threads: Int? = nil, instructionSet: InstructionSet? = nil) -> CPUBackend {
        CPUBackend(threadCount: threads, instructionSet: instructionSet)
    }

    /// The CPU with the vector kernels that `LAM_INSTRUCTION_SET` names, the fastest where it names none.
    ///
    /// Machines of one kind or another make the same bits with the same kernels, and on a processor whose matrix units a
    /// neighbour uses, f32 is faster without them.
    ///
    /// - Throws: `DeviceError.noInstructionSet`.
    public static func cpu(
        threads: Int?, environment: [String: String]
    ) throws(DeviceError) -> CPUBackend {
        guard let name = environment["LAM_INSTRUCTION_SET"], !name.isEmpty else { return cpu(threads: threads) }
        guard let set = InstructionSet.available.first(where: { $0.rawValue == name }) else {
            throw .noInstructionSet(name, available: InstructionSet.available.map(\.rawValue))
        }
        return cpu(threads: threads, instructionSet: set)
    }

    /// The device that is asked for, the first where there are several.
    ///
    /// - Parameters: as for `open(_:devices:threads:environment:announce:)`.
    /// - Throws: `DeviceError`; a plugin that is not there or fits no device.
    public static func open(
        _ choice: DeviceChoice, usesTF32: Bool = false, threads: Int?, environment: [String: String],
        announce: (@Sendable (String) -> Void)? = nil
    ) throws(DeviceError) -> any Backend {
        try open(
            choice, devices: .first(1), usesTF32: usesTF32, threads: threads, environment: environment,
            announce: announce)[0]
    }

    /// Which of an accelerator's devices.
    public enum Selection: Equatable, Sendable {
        case all
        /// So many.
        case first(Int)
        /// By their places, from 0.
        case chosen([Int])
    }

    /// The devices that are asked for, whose backends step together where they are several. The CPU is one device.
    ///
    /// - Parameters:
    ///   - devices: which of an accelerator's. Of the CPU's plugin, which has as many as are asked for, `all` is one.
    ///   - usesTF32: whether products of f32 round their operands to TF32, which NVIDIA's GPUs alone do.
    ///   - threads: compute threads of the CPU; nil for the CPUs that this process may use.
    ///   - environment: the process's variables, which say where plugins are.
    ///   - announce: takes lines for the user, from any thread: of programs that are compiled, and of a device that `auto`
    ///     could not open.
    /// - Throws: `DeviceError`; a plugin that is not there or fits no device, or devices that it does not have.
    public static func open(
        _ choice: DeviceChoice, devices: Selection, usesTF32: Bool = false, threads: Int?,
        environment: [String: String], announce: (@Sendable (String) -> Void)? = nil
    ) throws(DeviceError) -> [any Backend] {
        let backends = try open(choice, devices, usesTF32, threads, environment, announce)
        if usesTF32, backends[0] is CPUBackend { throw .noTF32(platform: "the CPU") }
        return backends
    }

    private static func open(
        _ choice: DeviceChoice, _ devices: Selection, _ usesTF32: Bool, _ threads: Int?,
        _ environment: [String: String], _ announce: (@Sendable (String) -> Void)?
    ) throws(DeviceError) -> [any Backend] {
        switch choice {
        case .cpu: return [try cpu(threads: threads, environment: environment)]
        case .auto:
            let plugins = PluginLocator(environment)
            let paths = [DeviceChoice.cuda, .tpu].compactMap { plugins.path(for: $0) }
            // One that is named is found for both.
            if paths.isEmpty, let named = plugins.named {
                announce?("LAM_PJRT_PLUGIN: \(named): expected a plugin, found no file; auto takes the CPU")
            }
            for path in paths.prefix(1) + paths.dropFirst().filter({ $0 != paths[0] }) {
                do { return try accelerators(.auto, devices, usesTF32, at: path, environment, announce) } catch {
                    switch error {
                    // A device that lacks something is a device.
                    case .notSoMany, .noTF32: throw error
                    default: break
                    }
                    announce?("\(error); auto takes the CPU")
                }
            }
            return [try cpu(threads: threads, environment: environment)]
        case .gpu, .cuda, .tpu, .pjrtCPU:
            let plugins = PluginLocator(environment)
            guard let path = plugins.path(for: choice) else {
                throw .noPlugin(choice, searched: plugins.searched(for: choice))
            }
            return try accelerators(choice, devices, usesTF32, at: path, environment, announce)
        }
    }

    /// Devices that the plugin for CPUs is asked for at most.
    private static let largestCPUCount = 64

    private static func accelerators(
        _ choice: DeviceChoice, _ devices: Selection, _ usesTF32: Bool, at path: String,
        _ environment: [String: String],
        _ announce: (@Sendable (String) -> Void)?
    ) throws(DeviceError) -> [any Backend] {
        var options: [(name: String, value: OptionValue)] = []
        if choice == .pjrtCPU, let needed = devices.needed, needed > 1 {
            options = [("cpu_device_count", .integer(Int64(min(needed, largestCPUCount))))]
        }
        let client: Client
        do { client = try Client(Plugin(path: path), options: options) } catch {
            throw .notOpened(choice, reason: "\(error)")
        }
        guard choice.platforms.contains(client.platform.lowercased()) else {
            throw .otherPlatform(choice, path: path, platform: client.platform)
        }
        guard !usesTF32 || DeviceChoice.cuda.platforms.contains(client.platform.lowercased()) else {
            throw .noTF32(platform: client.platform)
        }
        guard devices.needed ?? 1 <= client.devices.count else {
            throw .notSoMany(choice, wanted: devices.needed ?? 1, got: client.devices.count)
        }
        let cache = environment["XDG_CACHE_HOME"] ?? environment["HOME"].map { $0 + "/.cache" }
        var settings = CompilationSettings(
            // The CPU's plugin is there to test programs, not to be fast: it compiles them in seconds.
            options: CompileOptions(flags: choice == .pjrtCPU ? Self.quickCompilation : [:]),
            store: cache.map { ExecutableStore(folder: $0 + "/lam/executables") })
        if let announce { settings.observer = { $0.line.map(announce) } }
        let places: [Int] =
            switch devices {
            case .all: choice == .pjrtCPU ? [0] : Array(client.devices.indices)
            case .first(let count): Array(0..<max(1, count))
            case .chosen(let places): places
            }
        return RecordingBackend.replicas(client, devices: places, settings: settings, usesTF32: usesTF32)
    }

    /// Ends the waiting of replicas for each other, where one of them cannot go on.
    public static func stop(_ backends: [any Backend]) {
        for backend in backends { (backend as? RecordingBackend)?.stopReplicas() }
    }

    private static let quickCompilation: [String: OptionValue] = [
        "xla_backend_optimization_level": .integer(0), "xla_cpu_use_fusion_emitters": .boolean(false),
    ]
}

extension Device.Selection {
    /// Devices that there must be at least; nil where any number will do.
    fileprivate var needed: Int? {
        switch self {
        case .all: nil
        case .first(let count): count
        case .chosen(let places): (places.max() ?? 0) + 1
        }
    }
}

extension Compilation {
    /// Programs of fewer operations take less time than reading about them.
    private static let worthALine = 1000

    fileprivate var line: String? {
        func rounded(_ seconds: Double) -> String { String(format: "%.1f s", seconds) }
        switch self {
        case .began(let operations) where operations >= Self.worthALine:
            return "compiling a program of \(operations) operations"
        case .ended(let operations, let seconds, let memory) where operations >= Self.worthALine:
            return "compiled in \(rounded(seconds))\(Self.text(memory))"
        case .loaded(let operations, let seconds, let memory) where operations >= Self.worthALine:
            return "a program of \(operations) operations was compiled before; loaded in \(rounded(seconds))"
                + Self.text(memory)
        default: return nil
        }
    }

    private static func text(_ memory: Executable.Memory?) -> String {
        guard let memory else { return "" }
        func mebibytes(_ bytes: Int) -> String { String(format: "%.0f MiB", Double(bytes) / 1_048_576) }
        return
            "; memory \(mebibytes(memory.total)): \(mebibytes(memory.arguments)) of parameters, their state and the batch, "
            + "\(mebibytes(memory.newResults)) of new results, \(mebibytes(memory.temporary)) of activations and gradients"
    }
}
