import Foundation
import PJRT
import StableHLO

/// What a recording backend has on its device: the program that is being recorded, and the last that runs.
final class Session {
    let device: Device
    let compiler: Compiler
    /// Those that this one's device is one of, where there are several.
    private let replica: (of: Replicas, number: Int)?
    private(set) var runs = 0
    /// How often the host has waited for the program that it had begun last, after which the device has nothing to do.
    private(set) var idlingWaits = 0
    /// The last program of these.
    private var waited = 0
    private var recording: Recording?
    private var lastRun: Event?
    /// The first error since it was last asked for.
    private var failure: (any Error)?

    /// Lines after which a program is run though nobody waits for it: compilers take more than twice as long for twice as many.
    private static let lineLimit = 60_000

    init(_ compiler: Compiler, _ device: Device, replica: (of: Replicas, number: Int)?) {
        (self.compiler, self.device, self.replica) = (compiler, device, replica)
    }

    var client: Client { compiler.client }

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

    /// Counts that the host waits for the results of a program.
    ///
    /// - Parameter run: how many had begun with it.
    func countWait(forRun run: Int) {
        guard run == runs, run != waited else { return }
        idlingWaits += 1
        waited = run
    }

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

    var hasFailed: Bool { failure != nil }

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
            guard !ending.results.isEmpty else { return ending.keep([], ofRun: runs) }
            let key = ProgramKey(function: recording.function, results: ending.results, given: ending.given)
            let results = try run(key, try recording.arguments.map { try buffer($0, of: recording) })
            ending.keep(results, ofRun: runs)
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
        let (results, done) =
            if let replica, key.function.replicas > 1 {
                try replica.of.run(key, arguments, replica: replica.number)
            } else {
                try compiler.program(key).run(arguments, on: compiler.namesDevice ? device : nil)
            }
        runs += 1
        lastRun = done
        return results
    }
}
