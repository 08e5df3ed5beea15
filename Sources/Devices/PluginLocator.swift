import Foundation

/// Finds plugins: the one that `LAM_PJRT_PLUGIN` names, those that `scripts/accelerator.sh` has fetched, and those that came
/// with JAX.
package struct PluginLocator {
    private let environment: [String: String]

    package init(_ environment: [String: String]) { self.environment = environment }

    /// - Returns: the first file that is there; nil for none.
    package func path(for choice: DeviceChoice) -> String? {
        searched(for: choice).first { FileManager.default.fileExists(atPath: $0) }
    }

    /// The file that the user names.
    var named: String? { environment["LAM_PJRT_PLUGIN"].flatMap { $0.isEmpty ? nil : $0 } }

    /// All places where it may be, in order. What is named counts alone, even where it is missing.
    package func searched(for choice: DeviceChoice) -> [String] {
        if let named { return [named] }
        let fetched = cache.map { cache in Self.fetched(choice).map { "\(cache)/lam/pjrt/\($0)" } } ?? []
        return fetched + packages.flatMap { folder in Self.inPackages(choice).map { "\(folder)/\($0)" } }
    }

    private var cache: String? { environment["XDG_CACHE_HOME"] ?? environment["HOME"].map { $0 + "/.cache" } }

    private static func fetched(_ choice: DeviceChoice) -> [String] {
        switch choice {
        case .auto, .cpu: []
        case .gpu, .cuda:
            inPackages(choice).map { ($0.contains("cuda13") ? "cuda13/" : "cuda12/") + $0 }
        case .tpu: inPackages(choice).map { "tpu/" + $0 }
        case .pjrtCPU: inPackages(choice).map { "cpu/" + $0 }
        }
    }

    /// Within a folder of Python packages.
    private static func inPackages(_ choice: DeviceChoice) -> [String] {
        switch choice {
        case .auto, .cpu: []
        case .gpu, .cuda:
            ["jax_plugins/xla_cuda13/xla_cuda_plugin.so", "jax_plugins/xla_cuda12/xla_cuda_plugin.so"]
        case .tpu: ["libtpu/libtpu.so"]
        case .pjrtCPU: ["fastatomstruct_xla_cpu/libpjrt_cpu.so"]
        }
    }

    /// Folders of packages: of the environment that is active, the user's and the system's.
    private var packages: [String] {
        let roots = [
            environment["VIRTUAL_ENV"].map { $0 + "/lib" }, environment["CONDA_PREFIX"].map { $0 + "/lib" },
            environment["HOME"].map { $0 + "/.local/lib" }, "/usr/local/lib", "/usr/lib",
        ]
        return roots.compactMap { $0 }.flatMap { root -> [String] in
            let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
            return versions.filter { $0.hasPrefix("python3") }.sorted().flatMap {
                ["\(root)/\($0)/site-packages", "\(root)/\($0)/dist-packages"]
            }
        }
    }
}
