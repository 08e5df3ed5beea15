/// What a decoder makes of its own and of exchanged latents, as sums over pairs: those of ranks add up, and no pair is kept.
///
/// All features are standardised per channel; see `Standardization`.
package struct ControlSums {
    /// Places in `values`: pairs, elements, tokens, error of the first frame, of the mean, three cosines, five moments of
    /// effect and change; then for each control its elements, its error and its squared distance to the first frame.
    private enum Place: Int, CaseIterable {
        case pairs, elements, tokens, copy, mean
        case predictionFuture, currentFuture, predictionCurrent
        case effect, change, effectSquare, changeSquare, effectChange
    }

    package private(set) var values: [Double]

    package init() {
        values = [Double](repeating: 0, count: Place.allCases.count + 3 * LatentControl.allCases.count)
    }

    private subscript(place: Place) -> Double {
        get { values[place.rawValue] }
        set { values[place.rawValue] = newValue }
    }

    private static func start(_ control: LatentControl) -> Int { Place.allCases.count + 3 * control.rawValue }

    /// Adds what ranks or batches have found beside.
    package mutating func add(_ sums: [Double]) {
        precondition(sums.count == values.count, "\(sums.count) sums for \(values.count)")
        for (place, sum) in sums.enumerated() { values[place] += sum }
    }

    /// Adds a pair.
    ///
    /// - Parameters:
    ///   - predictions: of the second frame's features, `[tokens, channels]`, by control; those that there are none of are
    ///     left out. `.own` must be there.
    ///   - current: the first frame's features, likewise, and `target` the second one's.
    package mutating func add(
        _ predictions: [LatentControl: ArraySlice<Float>], current: ArraySlice<Float>,
        target: ArraySlice<Float>, _ standardization: Standardization
    ) {
        let channels = standardization.channels, count = target.count
        precondition(
            count.isMultiple(of: channels) && current.count == count
                && predictions.values.allSatisfy { $0.count == count } && predictions[.own] != nil,
            "features of \(predictions.values.map(\.count)), \(current.count) and \(count) numbers")
        guard let own = predictions[.own] else { return }
        self[.pairs] += 1
        self[.elements] += Double(count)
        self[.tokens] += Double(count / channels)
        let standard = Standardized(standardization)
        self[.copy] += standard.squaredDistance(current, target)
        self[.mean] += standard.squares(target)
        self[.predictionFuture] += standard.cosines(own, target)
        self[.currentFuture] += standard.cosines(current, target)
        self[.predictionCurrent] += standard.cosines(own, current)
        for (control, prediction) in predictions {
            let start = Self.start(control)
            values[start] += Double(count)
            values[start + 1] += standard.squaredDistance(prediction, target)
            values[start + 2] += standard.squaredDistance(prediction, current)
        }
        if let zero = predictions[.zero] {
            let moments = standard.moments(of: own, minus: zero, and: target, minus: current)
            for (place, moment) in zip(Place.effect.rawValue..., moments) { values[place] += moment }
        }
    }

    /// Pairs that were added.
    package var pairs: Int { Int(self[.pairs]) }
    /// Mean squared error of a control's predictions; nil where it had none.
    package func error(_ control: LatentControl) -> Double? { ratio(Self.start(control) + 1, Self.start(control)) }
    /// Mean squared distance of a control's predictions to the first frame.
    package func distanceToCurrent(_ control: LatentControl) -> Double? {
        ratio(Self.start(control) + 2, Self.start(control))
    }
    /// Mean squared error of taking the first frame for the second.
    package var copyError: Double? { ratio(Place.copy.rawValue, Place.elements.rawValue) }
    /// Mean squared error of predicting the mean of each channel: 1, but for the divisor of standard deviations.
    package var meanError: Double? { ratio(Place.mean.rawValue, Place.elements.rawValue) }
    /// Mean over tokens of the cosine of two standardised tokens that are centred over channels.
    package var cosineOfPredictionAndFuture: Double? { ratio(Place.predictionFuture.rawValue, Place.tokens.rawValue) }
    package var cosineOfCurrentAndFuture: Double? { ratio(Place.currentFuture.rawValue, Place.tokens.rawValue) }
    package var cosineOfPredictionAndCurrent: Double? { ratio(Place.predictionCurrent.rawValue, Place.tokens.rawValue) }

    /// The share of what the model gains on copying that is lost with zeros for latents; the rest is what the decoder knows by
    /// itself. Nil where nothing is gained.
    package var shareOfGain: Double? {
        guard let own = error(.own), let zero = error(.zero), let copy = copyError, copy > own else { return nil }
        return (zero - own) / (copy - own)
    }

    /// Correlation over all elements of what the latents change in the prediction (own minus zeros) with what changes between
    /// the frames; nil where either never varies.
    package var effectCorrelation: Double? {
        let count = self[.elements]
        guard count > 0 else { return nil }
        let covariance = self[.effectChange] - self[.effect] * self[.change] / count
        let effect = self[.effectSquare] - self[.effect] * self[.effect] / count
        let change = self[.changeSquare] - self[.change] * self[.change] / count
        guard effect > 1e-12 * count, change > 1e-12 * count else { return nil }
        return covariance / (effect * change).squareRoot()
    }

    private func ratio(_ sum: Int, _ count: Int) -> Double? { values[count] > 0 ? values[sum] / values[count] : nil }
}

/// Sums over standardised features, without keeping them.
private struct Standardized {
    private let channels: Int
    private let means: [Double]
    private let scales: [Double]

    init(_ standardization: Standardization) {
        channels = standardization.channels
        means = standardization.means
        scales = standardization.deviations.map { 1 / $0 }
    }

    /// Calls `body` with two elements of the same place, and their channel's mean and scale.
    @inline(__always)
    private func forEach(
        _ a: ArraySlice<Float>, _ b: ArraySlice<Float>,
        _ body: (_ a: Double, _ b: Double, _ mean: Double, _ scale: Double) -> Void
    ) {
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                means.withUnsafeBufferPointer { means in
                    scales.withUnsafeBufferPointer { scales in
                        var start = 0
                        while start < a.count {
                            for channel in 0..<channels {
                                body(
                                    Double(a[start + channel]), Double(b[start + channel]), means[channel],
                                    scales[channel])
                            }
                            start += channels
                        }
                    }
                }
            }
        }
    }

    func squaredDistance(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
        var sum = 0.0
        forEach(a, b) { a, b, _, scale in
            let difference = (a - b) * scale
            sum += difference * difference
        }
        return sum
    }

    func squares(_ a: ArraySlice<Float>) -> Double {
        var sum = 0.0
        forEach(a, a) { a, _, mean, scale in
            let value = (a - mean) * scale
            sum += value * value
        }
        return sum
    }

    /// Sum over tokens of the cosines of tokens that are centred over channels; 0 of a token without direction.
    func cosines(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
        var total = 0.0
        var (x, y, xx, yy, xy, channel) = (0.0, 0.0, 0.0, 0.0, 0.0, 0)
        forEach(a, b) { a, b, mean, scale in
            let u = (a - mean) * scale, v = (b - mean) * scale
            x += u
            y += v
            xx += u * u
            yy += v * v
            xy += u * v
            channel += 1
            guard channel == channels else { return }
            let count = Double(channels)
            let (left, right) = (xx - x * x / count, yy - y * y / count)
            if left > 0, right > 0 { total += (xy - x * y / count) / (left * right).squareRoot() }
            (x, y, xx, yy, xy, channel) = (0, 0, 0, 0, 0, 0)
        }
        return total
    }

    /// Σe, Σc, Σe², Σc², Σec of the differences `e = a - b` and `c = target - current`.
    func moments(
        of a: ArraySlice<Float>, minus b: ArraySlice<Float>, and target: ArraySlice<Float>,
        minus current: ArraySlice<Float>
    ) -> [Double] {
        let effect = zip(a, b).map { $0 - $1 }, change = zip(target, current).map { $0 - $1 }
        var (x, y, xx, yy, xy) = (0.0, 0.0, 0.0, 0.0, 0.0)
        forEach(effect[...], change[...]) { effect, change, _, scale in
            let u = effect * scale, v = change * scale
            x += u
            y += v
            xx += u * u
            yy += v * v
            xy += u * v
        }
        return [x, y, xx, yy, xy]
    }
}
