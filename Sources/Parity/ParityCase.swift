import Formats
import Frozen
import NN

/// A folder of reference tensors with what replays it.
protocol ParityCase {
    var folder: String { get }
}

extension ParityCase {
    /// - Throws: `FormatError`.
    func file(_ name: String) throws -> SafeTensors { try SafeTensors(path: "\(folder)/\(name)") }

    /// Gives all parameters of a store their values in a file.
    ///
    /// - Throws: `ParityError.badTensor` for one of another shape.
    func load(_ weights: SafeTensors, into store: ParameterStore) throws {
        for parameter in store.parameters {
            let stored = try weights.tensor(parameter.name)
            guard stored.shape == parameter.shape else {
                throw ParityError.badTensor(
                    path: weights.path, name: parameter.name, expected: "\(parameter.shape)", got: stored.shape)
            }
            store.backend.upload(stored, to: parameter.value)
        }
    }
}
