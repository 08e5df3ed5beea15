import NN
import OrderedCollections
import Tensor

/// Root mean squares of what a model's transformer blocks give for a batch, each block for itself.
package struct ActivationNorms {
    /// Sums of squares and numbers of elements by the block's name among the parameters, in the order of the model.
    private var sums: OrderedDictionary<String, (squares: Double, count: Double)> = [:]
    /// Sums that are on their way to the host.
    private var awaited: [(part: String, squares: Readback)] = []

    package init() {}

    /// Takes what a part of the model gives in a forward pass.
    package mutating func add(_ part: String, _ activation: Tensor, on backend: any Backend) {
        var elements = activation
        if activation.dtype == .bf16 {
            elements = backend.empty(activation.shape)
            backend.cast(activation, into: elements)
        }
        let squares = backend.empty([], .f64)
        backend.sumOfSquares(elements, into: squares)
        awaited.append((part, backend.readback([squares])))
        sums[part] = (0, Double(activation.count))
    }

    /// Waits for the sums.
    package mutating func arrive() throws {
        for (part, squares) in awaited { sums[part]?.squares = try squares.values()[0][0] }
        awaited = []
    }

    /// All sums that have arrived, in one order, for sending; those of ranks add up.
    package var values: [Double] { sums.values.flatMap { [$0.squares, $0.count] } }

    /// The same blocks with other sums.
    package func with(_ values: some RandomAccessCollection<Double>) -> ActivationNorms {
        let values = Array(values)
        precondition(values.count == 2 * sums.count, "\(values.count) sums of \(sums.count) blocks")
        var other = self
        for (place, part) in sums.keys.enumerated() { other.sums[part] = (values[2 * place], values[2 * place + 1]) }
        return other
    }

    package var rootMeanSquares: [(part: String, value: Double)] {
        sums.map { ($0.key, ($0.value.squares / $0.value.count).squareRoot()) }
    }
}
