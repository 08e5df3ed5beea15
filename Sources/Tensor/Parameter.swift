/// A named array that training changes. Its name is its key in checkpoints.
///
/// `value` and `gradient` are views into the flat buffers of the store that owns the parameter, so that the optimiser
/// and the gradient norm run once over everything.
public final class Parameter {
    public let name: String
    public let shape: [Int]
    /// Frozen parameters get no gradient and no optimiser state.
    public let isTrainable: Bool
    private var storage: (value: Tensor, gradient: Tensor?)?

    public init(name: String, shape: [Int], isTrainable: Bool = true) {
        self.name = name
        self.shape = shape
        self.isTrainable = isTrainable
    }

    /// Gives the parameter its memory, views of shape `shape`. `gradient` is nil exactly for a frozen parameter.
    public func place(value: Tensor, gradient: Tensor?) {
        precondition(value.shape == shape, "\(name): memory of shape \(value.shape) for a parameter of shape \(shape)")
        precondition((gradient != nil) == isTrainable, "\(name): a gradient buffer is for trainable parameters only")
        storage = (value, gradient)
    }

    public var value: Tensor {
        guard let storage else { preconditionFailure("\(name) is used before its store was allocated") }
        return storage.value
    }

    /// Where backward passes add this parameter's gradient; nil when frozen.
    public var gradient: Tensor? {
        guard let storage else { preconditionFailure("\(name) is used before its store was allocated") }
        return storage.gradient
    }

    public var count: Int { shape.product }

    /// Entry `index` of the first axis, as a parameter over the same memory.
    public func part(_ index: Int) -> Parameter {
        precondition((0..<shape[0]).contains(index), "part \(index) of \(name) \(shape)")
        let inner = Array(shape.dropFirst())
        let part = Parameter(name: "\(name)[\(index)]", shape: inner, isTrainable: isTrainable)
        func view(_ tensor: Tensor) -> Tensor { tensor.range(index * inner.product, inner.product).reshaped(inner) }
        part.place(value: view(value), gradient: gradient.map(view))
        return part
    }

    /// Several matrices that lie one after the other in memory, as one matrix of all their rows: `to_q`, `to_k` and
    /// `to_v` become the single product they are.
    ///
    /// - Parameter parts: matrices `[rows_i, columns]`, adjacent in their store in this order.
    public static func stackedRows(_ parts: [Parameter]) -> Parameter {
        let first = parts[0]
        let columns = first.shape[1]
        var rows = 0
        for part in parts {
            precondition(
                part.shape.count == 2 && part.shape[1] == columns && part.isTrainable == first.isTrainable
                    && part.value.memory === first.value.memory
                    && part.value.offset == first.value.offset + rows * columns,
                "\(part.name) \(part.shape) does not follow \(first.name) \(first.shape) in memory")
            rows += part.shape[0]
        }
        let stacked = Parameter(
            name: parts.map(\.name).joined(separator: "+"), shape: [rows, columns], isTrainable: first.isTrainable)
        func view(_ tensor: Tensor) -> Tensor {
            Tensor(memory: tensor.memory, offset: tensor.offset, shape: [rows, columns])
        }
        stacked.place(value: view(first.value), gradient: first.gradient.map(view))
        return stacked
    }
}
