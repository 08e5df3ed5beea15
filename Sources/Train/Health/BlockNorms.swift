import NN
import OrderedCollections
import Tensor

/// Gradient norms of a model's parts, its transformer blocks each for itself.
struct BlockNorms {
    private let store: ParameterStore
    /// Runs of the flat gradient buffer with the part that each belongs to.
    private let runs: [(part: String, range: Range<Int>)]

    /// - Parameter part: the part that a parameter belongs to.
    init(_ store: ParameterStore, part: (_ parameter: String) -> String) {
        self.store = store
        var runs: [(part: String, range: Range<Int>)] = []
        var start = 0
        for parameter in store.trainable {
            let part = part(parameter.name)
            let end = start + parameter.count
            if let last = runs.last, last.part == part {
                runs[runs.count - 1].range = last.range.lowerBound..<end
            } else {
                runs.append((part, start..<end))
            }
            start = end
        }
        self.runs = runs
    }

    /// Norms of the gradients times `scale`, in the order of the store.
    ///
    /// - Parameter reducer: has the sums over the ranks, where there are several.
    /// - Returns: what waits for them.
    func callAsFunction(
        scale: Double, reducer: GradientReducer?
    ) throws -> () throws -> [(part: String, norm: Double)] {
        let ranges = runs.map(\.range)
        if let sums = try reducer?.sumsOfSquares(in: ranges) { return { [self] in norms(sums, scale) } }
        let sums = ranges.map { range in
            let sum = store.backend.empty([], .f64)
            store.backend.sumOfSquares(store.gradients.range(range.lowerBound, range.count), into: sum)
            return sum
        }
        let readback = store.backend.readback(sums)
        return { [self] in norms(try readback.values().map { $0[0] }, scale) }
    }

    private func norms(_ sums: [Double], _ scale: Double) -> [(part: String, norm: Double)] {
        var squares: OrderedDictionary<String, Double> = [:]
        for (run, sum) in zip(runs, sums) { squares[run.part, default: 0] += sum }
        return squares.map { ($0.key, $0.value.squareRoot() * scale) }
    }
}
