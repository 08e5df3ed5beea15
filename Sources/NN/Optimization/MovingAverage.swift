import Tensor

/// An exponential moving average of a store's trainable parameters, as `torch.optim.swa_utils.AveragedModel` with
/// `get_ema_avg_fn(decay)` keeps it: the first update copies the parameters, each later one makes the average
/// `decay * average + (1 - decay) * parameters`.
///
/// Frozen parameters are their own average. Before the first update, so are all others.
public final class MovingAverage {
    public let decay: Double
    /// Updates made so far; torch's `n_averaged`.
    public private(set) var updates = 0
    private let store: ParameterStore
    /// Flat, in the store's order; nil before the first update.
    private var average: Tensor?

    /// Elements that `swap` moves at a time.
    private static let swapped = 1 << 20

    /// - Parameter decay: from 0 to 1.
    public init(_ store: ParameterStore, decay: Double) {
        precondition((0...1).contains(decay), "a decay of \(decay)")
        self.store = store
        self.decay = decay
    }

    /// Takes the parameters as they are now into the average.
    public func update() {
        if let average {
            store.backend.movingAverage(of: store.values, decay: decay, into: average)
        } else {
            let average = store.backend.empty([store.trainableCount])
            copy(store.values, to: average)
            self.average = average
        }
        updates += 1
    }

    /// The average of one parameter, as a view of its shape.
    public func value(of parameter: Parameter) -> Tensor {
        guard parameter.isTrainable, let average else { return parameter.value }
        precondition(
            parameter.value.memory === store.values.memory, "\(parameter.name) is a parameter of another store")
        return average.range(parameter.value.offset - store.values.offset, parameter.count).reshaped(parameter.shape)
    }

    /// Goes on from an average that was saved after `updates` updates.
    ///
    /// - Parameter fill: writes the average of one parameter to a tensor of its shape.
    public func restore(updates: Int, fill: (_ parameter: Parameter, _ value: Tensor) -> Void) {
        precondition(updates >= 0, "\(updates) updates")
        self.updates = updates
        average = updates > 0 ? store.backend.empty([store.trainableCount]) : nil
        guard updates > 0 else { return }
        for parameter in store.trainable { fill(parameter, value(of: parameter)) }
    }

    /// Runs `body` with the average as the parameters' values, which then are as before, whatever `body` throws.
    public func apply<Result>(_ body: () throws -> Result) rethrows -> Result {
        swap()
        defer { swap() }
        return try body()
    }

    /// Gives the parameters the values of the average, for good.
    public func adopt() {
        if let average { copy(average, to: store.values) }
    }

    private func swap() {
        guard let average else { return }
        let count = store.trainableCount
        let scratch = store.backend.empty([min(count, Self.swapped)])
        for start in stride(from: 0, to: count, by: Self.swapped) {
            let length = min(Self.swapped, count - start)
            let kept = scratch.range(0, length)
            let value = store.values.range(start, length), mean = average.range(start, length)
            copy(value, to: kept)
            copy(mean, to: value)
            copy(kept, to: mean)
        }
    }

    private func copy(_ source: Tensor, to target: Tensor) {
        // Blocks are what a backend shares between its threads.
        let length = 1 << 14
        let whole = source.count / length
        let blocks = BlockCopy(blocks: whole, length: length, sourceStride: length, targetStride: length)
        store.backend.copy(blocks, from: source, to: target, accumulate: false)
        let rest = source.count - whole * length
        guard rest > 0 else { return }
        let last = BlockCopy(blocks: 1, length: rest, sourceStride: 0, targetStride: 0)
        store.backend.copy(
            last, from: source.range(whole * length, rest), to: target.range(whole * length, rest), accumulate: false)
    }
}
