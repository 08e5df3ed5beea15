import Formats

/// A folder of reference tensors with what replays it.
protocol ParityCase {
    var folder: String { get }
}

extension ParityCase {
    /// - Throws: `FormatError`.
    func file(_ name: String) throws -> SafeTensors { try SafeTensors(path: "\(folder)/\(name)") }
}
