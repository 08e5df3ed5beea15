import Randomness
import Tensor

/// All parameters of a model, in the order in which its layers declare them: PyTorch's order of registration, which is
/// also the order of keys in a state dict and of indices in an optimiser's state.
///
/// Values of trainable parameters lie in one flat buffer and their gradients in another, in that order, so that the
/// optimiser, the gradient norm and a gradient reduction each run once over everything.
public final class ParameterStore {
    public let backend: any Backend
    public private(set) var parameters: [Parameter] = []
    private var initializers: [Initializer] = []
    private var buffers: (values: Tensor, gradients: Tensor)?

    public init(backend: any Backend) {
        self.backend = backend
    }

    /// Where the model's top-level layers declare their parameters.
    public var root: ParameterScope { ParameterScope(store: self, prefix: "") }

    public var trainable: [Parameter] { parameters.filter(\.isTrainable) }

    /// Number of trainable elements.
    public var trainableCount: Int { trainable.reduce(0) { $0 + $1.count } }

    /// Values of all trainable parameters, flat.
    public var values: Tensor { allocated.values }

    /// Gradients of all trainable parameters, flat, in the same order.
    public var gradients: Tensor { allocated.gradients }

    private var allocated: (values: Tensor, gradients: Tensor) {
        guard let buffers else { preconditionFailure("the store is used before allocate(seed:)") }
        return buffers
    }

    fileprivate func declare(
        _ name: String, _ shape: [Int], _ initializer: Initializer, isTrainable: Bool
    ) -> Parameter {
        precondition(buffers == nil, "\(name) is declared after the store was allocated")
        precondition(!parameters.contains { $0.name == name }, "two parameters are called \(name)")
        let parameter = Parameter(name: name, shape: shape, isTrainable: isTrainable)
        parameters.append(parameter)
        initializers.append(initializer)
        return parameter
    }

    /// Gives every declared parameter its memory and its initial value.
    ///
    /// - Parameter seed: each parameter draws from a stream of its own, named by the parameter, so that adding a
    ///   layer does not change the others.
    public func allocate(seed: UInt64) {
        precondition(buffers == nil, "the store is allocated once")
        let values = backend.empty([trainableCount]), gradients = backend.zeros([trainableCount])
        buffers = (values, gradients)
        var offset = 0
        for (index, parameter) in parameters.enumerated() {
            func view(_ flat: Tensor) -> Tensor { flat.range(offset, parameter.count).reshaped(parameter.shape) }
            if parameter.isTrainable {
                parameter.place(value: view(values), gradient: view(gradients))
                offset += parameter.count
            } else {
                parameter.place(value: backend.empty(parameter.shape), gradient: nil)
            }
            var generator = RandomGenerator(seed: seed, purpose: "initialize \(parameter.name)")
            initializers[index].values(parameter.count, &generator).withUnsafeBytes {
                backend.upload($0, to: parameter.value)
            }
        }
    }

    public func zeroGradients() { backend.fill(gradients, with: 0) }
}

/// A place in the tree of layers: gives parameters their dotted names.
public struct ParameterScope {
    let store: ParameterStore
    let prefix: String

    /// The child scope `name`; `scope("encoder")("ffn")("0")` is `encoder.ffn.0`.
    public func callAsFunction(_ name: String) -> ParameterScope {
        ParameterScope(store: store, prefix: path(name))
    }

    public func callAsFunction(_ index: Int) -> ParameterScope { self(String(index)) }

    /// Declares a parameter of this scope.
    public func parameter(
        _ name: String, _ shape: [Int], _ initializer: Initializer, isTrainable: Bool = true
    ) -> Parameter {
        store.declare(path(name), shape, initializer, isTrainable: isTrainable)
    }

    /// The dotted name of this scope.
    public var name: String { prefix }

    private func path(_ name: String) -> String { prefix.isEmpty ? name : "\(prefix).\(name)" }
}
