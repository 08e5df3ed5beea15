import PJRT
import StableHLO

/// A compiled recording.
struct Program: Sendable {
    let executable: Executable
    let results: [TensorType]

    /// Begins to run it on one device, which is named where the program may run on any.
    func run(_ arguments: [Buffer], on device: Device?) throws -> (results: [Buffer], done: Event?) {
        let (all, done) = try executable.run(
            [arguments], results: results.map { ($0.element.bufferType, $0.shape) }, on: device)
        return (all[0], done.first)
    }

    /// Begins to run it on the devices of all replicas, each with arguments of its own.
    func run(replicas: [[Buffer]]) throws -> [(results: [Buffer], done: Event?)] {
        let (all, done) = try executable.run(replicas, results: results.map { ($0.element.bufferType, $0.shape) })
        return all.enumerated().map { ($1, done.indices.contains($0) ? done[$0] : nil) }
    }
}

/// What a program is: what it computes, what of it is wanted, and which arguments are given away for which result.
struct ProgramKey: Hashable {
    let function: Function
    let results: [Value]
    let given: [Int: Int]

    var text: String { function.text(results: results, given: given) }
}
