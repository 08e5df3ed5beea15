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

    /// The device that is asked for.
    ///
    /// - Parameters:
    ///   - threads: compute threads of the CPU; nil for the CPUs that this process may use.
    ///   - environment: the process's variables, which say where plugins are.
    ///   - announce: takes lines for the user, from any thread: of programs that are compiled, and of a device that `auto`
    ///     could not open.
    /// - Throws: `DeviceError`; a plugin that is not there or fits no device.
    public static func open(
        _ choice: DeviceChoice, threads: Int?, environment: [String: String],
        announce: (@Sendable (String) -> Void)? = nil
    ) throws(DeviceError) -> any Backend {
        switch choice {
        case .cpu: return cpu(threads: threads)
        case .auto:
            let plugins = PluginLocator(environment)
            let paths = [DeviceChoice.cuda, .tpu].compactMap { plugins.path(for: $0) }
            // One that is named is found for both.
            if paths.isEmpty, let named = plugins.named {
                announce?("LAM_PJRT_PLUGIN: \(named): expected a plugin, found no file; auto takes the CPU")
            }
            for path in paths.prefix(1) + paths.dropFirst().filter({ $0 != paths[0] }) {
                do { return try accelerator(.auto, at: path, environment, announce) } catch {
                    announce?("\(error); auto takes the CPU")
                }
            }
            return cpu(threads: threads)
        case .gpu, .cuda, .tpu, .pjrtCPU:
            let plugins = PluginLocator(environment)
            guard let path = plugins.path(for: choice) else {
                throw .noPlugin(choice, searched: plugins.searched(for: choice))
            }
            return try accelerator(choice, at: path, environment, announce)
        }
    }

    private static func accelerator(
        _ choice: DeviceChoice, at path: String, _ environment: [String: String],
        _ announce: (@Sendable (String) -> Void)?
    ) throws(DeviceError) -> any Backend {
        let client: Client
        do { client = try Client(Plugin(path: path)) } catch { throw .notOpened(choice, reason: "\(error)") }
        guard choice.platforms.contains(client.platform.lowercased()) else {
            throw .otherPlatform(choice, path: path, platform: client.platform)
        }
        let cache = environment["XDG_CACHE_HOME"] ?? environment["HOME"].map { $0 + "/.cache" }
        var settings = CompilationSettings(
            // The CPU's plugin is there to test programs, not to be fast: it compiles them in seconds.
            options: CompileOptions(flags: choice == .pjrtCPU ? Self.quickCompilation : [:]),
            store: cache.map { ExecutableStore(folder: $0 + "/lam/executables") })
        if let announce { settings.observer = { $0.line.map(announce) } }
        return RecordingBackend(client, settings: settings)
    }

    private static let quickCompilation: [String: OptionValue] = [
        "xla_backend_optimization_level": .integer(0), "xla_cpu_use_fusion_emitters": .boolean(false),
    ]
}

extension Compilation {
    /// Programs of fewer operations take less time than reading about them.
    private static let worthALine = 1000

    fileprivate var line: String? {
        func rounded(_ seconds: Double) -> String { String(format: "%.1f s", seconds) }
        switch self {
        case .began(let operations) where operations >= Self.worthALine:
            return "compiling a program of \(operations) operations"
        case .ended(let operations, let seconds) where operations >= Self.worthALine:
            return "compiled in \(rounded(seconds))"
        case .loaded(let operations, let seconds) where operations >= Self.worthALine:
            return "a program of \(operations) operations was compiled before; loaded in \(rounded(seconds))"
        default: return nil
        }
    }
}
