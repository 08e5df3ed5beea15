import Accelerator
import AcceleratorTestSupport
import Foundation
import Tensor
import TestSupport
import Testing

import Devices

@Suite("Devices by name")
struct DeviceChoiceTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// An empty file below the folder, and its path.
    private func file(_ name: String) throws -> String {
        let url = folder.url(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data().write(to: url)
        return url.path
    }

    @Test("a plugin that is named counts alone; then what was fetched; then what came with JAX")
    func locations() throws {
        let cuda = "jax_plugins/xla_cuda12/xla_cuda_plugin.so"
        let packaged = try file("venv/lib/python3.12/site-packages/\(cuda)")
        var environment = ["HOME": folder.path("home"), "VIRTUAL_ENV": folder.path("venv")]
        #expect(PluginLocator(environment).path(for: .gpu) == packaged)
        #expect(PluginLocator(environment).path(for: .tpu) == nil)
        let fetched = try file("home/.cache/lam/pjrt/cuda12/\(cuda)")
        #expect(PluginLocator(environment).path(for: .cuda) == fetched)
        environment["XDG_CACHE_HOME"] = folder.path("elsewhere")
        #expect(PluginLocator(environment).path(for: .cuda) == packaged)
        environment["LAM_PJRT_PLUGIN"] = "/nowhere.so"
        #expect(PluginLocator(environment).path(for: .cuda) == nil)
        #expect(PluginLocator(environment).searched(for: .tpu) == ["/nowhere.so"])
    }

    @Test("LAM_INSTRUCTION_SET names the CPU's kernels, also where auto takes the CPU, and what it lacks is an error")
    func instructionSet() throws {
        for set in InstructionSet.available {
            for choice in [DeviceChoice.cpu, .auto] {
                let environment = ["LAM_INSTRUCTION_SET": set.rawValue, "HOME": folder.path("home")]
                let backend = try Device.open(choice, threads: 1, environment: environment)
                #expect((backend as? CPUBackend)?.instructionSet == set)
            }
        }
        let fastest = try Device.open(.cpu, threads: 1, environment: ["LAM_INSTRUCTION_SET": ""])
        #expect((fastest as? CPUBackend)?.instructionSet == .fastest)
        #expect(
            throws: DeviceError.noInstructionSet("sse9", available: InstructionSet.available.map(\.rawValue))
        ) {
            try Device.open(.cpu, threads: 1, environment: ["LAM_INSTRUCTION_SET": "sse9"])
        }
    }

    @Test("auto without a plugin is the CPU, and so is auto with one that does not open, which is said")
    func automatic() throws {
        let environment = ["HOME": folder.path("home")]
        #expect(try Device.open(.auto, threads: 1, environment: environment) is CPUBackend)
        let broken = try file("broken.so")
        let lines = Lines()
        let backend = try Device.open(
            .auto, threads: 1, environment: environment.merging(["LAM_PJRT_PLUGIN": broken]) { $1 },
            announce: { lines.add($0) })
        #expect(backend is CPUBackend)
        #expect(lines.all.count == 1 && lines.all.allSatisfy { $0.contains(broken) && $0.contains("CPU") })
    }

    @Test("what is not there says what to do")
    func missing() {
        let error = #expect(throws: DeviceError.self) {
            try Device.open(.tpu, threads: nil, environment: ["HOME": folder.path("home")])
        }
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains("scripts/accelerator.sh tpu") && text.contains("LAM_PJRT_PLUGIN"), "\(text)")
    }

    @Test("the plugin for CPUs opens by its name, and as nothing else", .enabled(if: TestPlugin.isThere))
    func opens() throws {
        let path = try #require(TestPlugin.path)
        let environment = ["HOME": folder.path("home"), "LAM_PJRT_PLUGIN": path]
        let backend = try Device.open(.pjrtCPU, threads: nil, environment: environment)
        #expect(backend is RecordingBackend && backend.summary.contains("cpu device 0"))
        #expect(throws: DeviceError.otherPlatform(.cuda, path: path, platform: "cpu")) {
            try Device.open(.cuda, threads: nil, environment: environment)
        }
    }
}

/// Lines of any thread.
private final class Lines: @unchecked Sendable {
    // SAFETY: changed and read under the lock.
    private var lines: [String] = []
    private let lock = NSLock()

    func add(_ line: String) { lock.withLock { lines.append(line) } }
    var all: [String] { lock.withLock { lines } }
}
