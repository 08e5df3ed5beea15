import Formats
import NN
import Tensor

/// Weights that do not fit the model.
public enum WeightsError: Error, Equatable, CustomStringConvertible {
    case missing(path: String, name: String)
    case shapeMismatch(path: String, name: String, expected: [Int], got: [Int])

    public var description: String {
        switch self {
        case .missing(let path, let name):
            "cannot load weights: \(path): expected a tensor `\(name)`, got none; is it a checkpoint of this model?"
        case .shapeMismatch(let path, let name, let expected, let got):
            "cannot load weights: \(path): `\(name)`: expected shape \(expected), got \(got); "
                + "use the model options that the checkpoint was trained with"
        }
    }
}

extension LAMModule {
    /// Sets every parameter from a state dict whose keys are the parameters' names behind `prefix`. Nothing is changed when
    /// anything is missing or of another shape.
    ///
    /// - Parameter path: where the state dict comes from, for errors.
    /// - Throws: `WeightsError`.
    public func load(_ stateDict: (_ name: String) -> StoredTensor?, prefix: String, path: String) throws {
        let weights = try store.parameters.map { parameter in
            let name = prefix + parameter.name
            guard let weight = stateDict(name) else { throw WeightsError.missing(path: path, name: name) }
            guard weight.shape == parameter.shape else {
                throw WeightsError.shapeMismatch(
                    path: path, name: name, expected: parameter.shape, got: weight.shape)
            }
            return weight
        }
        for (parameter, weight) in zip(store.parameters, weights) { upload(weight, to: parameter.value) }
    }

    /// Copies a stored tensor of any floating-point type to the backend.
    func upload(_ stored: StoredTensor, to tensor: Tensor) {
        if stored.elementType == .f32 {
            stored.withUnsafeBytes { backend.upload($0, to: tensor) }
        } else {
            stored.floats().withUnsafeBytes { backend.upload($0, to: tensor) }
        }
    }
}
