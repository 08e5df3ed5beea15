import Foundation
import PJRT

/// Makes programs of recordings, once each: for one device, or for several that share them.
final class Compiler: @unchecked Sendable {
    // SAFETY: everything mutable is touched with `lock` held.
    let client: Client
    /// Those that programs with sums over replicas run on.
    let devices: [Device]
    private let settings: CompilationSettings
    private let lock = NSLock()
    private var programs: [ProgramKey: Program] = [:]
    private var compileSeconds = 0.0
    /// Programs that came from the store.
    private var loads = 0

    init(_ client: Client, _ devices: [Device], _ settings: CompilationSettings) {
        (self.client, self.devices, self.settings) = (client, devices, settings)
    }

    /// What was made so far.
    var statistics: (programs: Int, loads: Int, compileSeconds: Double) {
        lock.withLock { (programs.count, loads, compileSeconds) }
    }

    func program(_ key: ProgramKey) throws -> Program {
        try lock.withLock {
            if let known = programs[key] { return known }
            let start = ContinuousClock.now
            let program = Program(executable: try executable(key), results: key.results.map(\.type))
            compileSeconds += (ContinuousClock.now - start) / .seconds(1)
            programs[key] = program
            return program
        }
    }

    /// Whether the device is named when a program for one runs: else it is the client's first.
    var namesDevice: Bool { devices.count > 1 || devices[0].id != client.devices[0].id }

    /// Those of a program that all devices run together, or that each runs by itself.
    private func options(_ key: ProgramKey) -> CompileOptions {
        var options = settings.options
        guard namesDevice else { return options }
        if key.function.replicas > 1 {
            (options.replicas, options.devices) = (devices.count, devices.map(\.id))
        } else {
            options.isPortable = true
        }
        return options
    }

    private func executable(_ key: ProgramKey) throws -> Executable {
        let operations = key.function.count, start = ContinuousClock.now, text = key.text, options = options(key)
        func seconds() -> Double { (ContinuousClock.now - start) / .seconds(1) }
        guard operations >= CompilationSettings.smallProgram else {
            return try Executable(text: text, options, on: client)
        }
        let kept = ExecutableStore.Key([
            text, "\(options.bytes)", client.plugin.version, client.platform, client.platformVersion,
            devices[0].kind, client.platform == "cpu" ? Self.processor : "",
        ])
        // What an older driver or another machine has written is compiled again.
        if let bytes = settings.store?.load(kept),
            let executable = try? bytes.withUnsafeBytes({ try Executable(serialized: $0, on: client) })
        {
            loads += 1
            settings.observer?(
                .loaded(operations: operations, seconds: seconds(), memory: executable.plannedMemory()))
            return executable
        }
        settings.observer?(.began(operations: operations))
        let executable = try Executable(text: text, options, on: client)
        settings.observer?(.ended(operations: operations, seconds: seconds(), memory: executable.plannedMemory()))
        if let store = settings.store, let bytes = try? executable.serialized() { store.save(bytes, kept) }
        return executable
    }

    /// What this machine's processor can do: a program compiled for another may not run on it.
    private static let processor: String = {
        let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
        return lines.first { $0.hasPrefix("flags") || $0.hasPrefix("Features") }.map(String.init) ?? ""
    }()
}
