import PJRT
import StableHLO

/// A compiled recording.
struct Program: Sendable {
    let executable: Executable
    let results: [TensorType]

    /// Begins to run it.
    func run(_ arguments: [Buffer]) throws -> (results: [Buffer], done: Event?) {
        let (all, done) = try executable.run(
            [arguments], results: results.map { ($0.element.bufferType, $0.shape) })
        return (all[0], done.first)
    }
}

/// What a program is: what it computes, what of it is wanted, and which arguments are given away for which result.
struct ProgramKey: Hashable {
    let function: Function
    let results: [Value]
    let given: [Int: Int]

    var text: String { function.text(results: results, given: given) }
}
