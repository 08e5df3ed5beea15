import Foundation
import PJRT

/// The CPU plugin that tests run on. `test.sh` fetches it.
package enum TestPlugin {
    /// Where it is; nil where it was not fetched.
    package static let path: String? = {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["HOME"].map { $0 + "/.cache/lam/pjrt/cpu/fastatomstruct_xla_cpu/libpjrt_cpu.so" }
        return [environment["LAM_PJRT_CPU_PLUGIN"], cache].compactMap { $0 }.first {
            FileManager.default.fileExists(atPath: $0)
        }
    }()

    package static var isThere: Bool { path != nil }

    /// One client for all tests of a process: it has four virtual devices.
    package static let client: Client? = path.flatMap {
        try? Client(Plugin(path: $0), options: [("cpu_device_count", .integer(4))])
    }

    /// Programs of tests are small and run a few times: compiling them well would take longer than running them.
    package static let options = CompileOptions(flags: [
        "xla_backend_optimization_level": .integer(0), "xla_cpu_use_fusion_emitters": .boolean(false),
    ])

    /// Whether its absence is a failure.
    package static var isRequired: Bool { ProcessInfo.processInfo.environment["CI"] != nil }
}
