import Foundation
import PJRT
import StableHLO

/// What a recording backend has on its device: programs, the one that is being recorded, and the last that runs.
final class Session {
    let client: Client
    let device: Device
    private let settings: CompilationSettings
    private(set) var programs: [ProgramKey: Program] = [:]
    private(set) var compileSeconds = 0.0
    private(set) var runs = 0
    /// Programs that came from the store.
    private(set) var loads = 0
    private var recording: Recording?
    private var lastRun: Event?
    /// The first error since it was last asked for.
    private var failure: (any Error)?

    /// Lines after which a program is run though nobody waits for it: compilers take more than twice as long for twice as many.
    private static let lineLimit = 60_000

    init(_ client: Client, _ device: Device, _ settings: CompilationSettings) {
        (self.client, self.device, self.settings) = (client, device, settings)
    }

    func recordingOrNew() -> Recording {
        if let recording {
            if recording.function.count < Self.lineLimit { return recording }
            flush()
        }
        let new = Recording { [self] in try upload($0, $1, $2) }
        recording = new
        return new
    }

    func upload(_ bytes: UnsafeRawBufferPointer, _ element: Element, _ count: Int) throws -> Buffer {
        try Buffer(bytes, element.bufferType, [count], on: device, of: client)
    }

    func upload<Number>(_ numbers: [Number], _ element: Element, shape: [Int]) throws -> Buffer {
        try numbers.withUnsafeBytes { try Buffer($0, element.bufferType, shape, on: device, of: client) }
    }

    /// Remembers an error for the next time that somebody waits.
    func fail(_ error: any Error) { failure = failure ?? error }

    /// Runs what is recorded, and waits for it.
    ///
    /// - Throws: the first error since the last time.
    func synchronize() throws {
        flush()
        do { try lastRun?.wait(seconds: Self.patience) } catch { fail(error) }
        lastRun = nil
        try throwFailure()
    }

    private func throwFailure() throws {
        defer { failure = nil }
        if let failure { throw failure }
    }

    /// Lets an error that somebody has been told of be.
    func forgetFailure() { (failure, lastRun) = (nil, nil) }

    /// Seconds that a device may take for a program before it is said to hang.
    static let patience = 900.0

    /// Compiles and begins to run what is recorded, if anything.
    func flush() {
        guard let recording else { return }
        self.recording = nil
        let ending = Ending(recording)
        do {
            if let error = recording.failure { throw error }
            guard !ending.results.isEmpty else { return ending.keep([]) }
            let key = ProgramKey(function: recording.function, results: ending.results, given: ending.given)
            let results = try run(key, try recording.arguments.map { try buffer($0, of: recording) })
            ending.keep(results)
        } catch {
            fail(error)
            ending.drop(error)
        }
    }

    private func buffer(_ argument: Recording.Argument, of recording: Recording) throws -> Buffer {
        switch argument {
        case .buffer(let buffer): return buffer
        case .numbers(let first):
            let count = Recording.numbersPerArgument
            var numbers = Array(recording.numbers[first..<min(first + count, recording.numbers.count)])
            numbers += [Float](repeating: 0, count: count - numbers.count)
            return try upload(numbers, .f32, shape: [count])
        }
    }

    /// Begins to run a program, compiled now or before.
    func run(_ key: ProgramKey, _ arguments: [Buffer]) throws -> [Buffer] {
        let (results, done) = try program(key).run(arguments)
        runs += 1
        lastRun = done
        return results
    }

    private func program(_ key: ProgramKey) throws -> Program {
        if let known = programs[key] { return known }
        let start = ContinuousClock.now
        let program = Program(executable: try executable(key), results: key.results.map(\.type))
        compileSeconds += (ContinuousClock.now - start) / .seconds(1)
        programs[key] = program
        return program
    }

    private func executable(_ key: ProgramKey) throws -> Executable {
        let operations = key.function.count, start = ContinuousClock.now, text = key.text
        func seconds() -> Double { (ContinuousClock.now - start) / .seconds(1) }
        guard operations >= CompilationSettings.smallProgram else {
            return try Executable(text: text, settings.options, on: client)
        }
        let kept = ExecutableStore.Key([
            text, "\(settings.options.bytes)", client.plugin.version, client.platform, client.platformVersion,
            device.kind, client.platform == "cpu" ? Self.processor : "",
        ])
        // What an older driver or another machine has written is compiled again.
        if let bytes = settings.store?.load(kept),
            let executable = try? bytes.withUnsafeBytes({ try Executable(serialized: $0, on: client) })
        {
            loads += 1
            settings.observer?(.loaded(operations: operations, seconds: seconds()))
            return executable
        }
        settings.observer?(.began(operations: operations))
        let executable = try Executable(text: text, settings.options, on: client)
        settings.observer?(.ended(operations: operations, seconds: seconds()))
        if let store = settings.store, let bytes = try? executable.serialized() { store.save(bytes, kept) }
        return executable
    }

    /// What this machine's processor can do: a program compiled for another may not run on it.
    private static let processor: String = {
        let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
        return lines.first { $0.hasPrefix("flags") || $0.hasPrefix("Features") }.map(String.init) ?? ""
    }()
}
