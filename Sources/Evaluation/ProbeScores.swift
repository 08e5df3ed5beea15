/// Squared errors of predictions, and of predicting the training episodes' mean, by episode and output.
package struct EpisodeResiduals {
    let outputs: Int
    /// `[episodes, outputs]`.
    private(set) var errors: [Double]
    private(set) var deviations: [Double]
    private(set) var squares: [Double]

    init(episodes: Int, outputs: Int) {
        self.outputs = outputs
        errors = [Double](repeating: 0, count: episodes * outputs)
        (deviations, squares) = (errors, errors)
    }

    var episodes: Int { outputs > 0 ? errors.count / outputs : 0 }

    /// - Parameters:
    ///   - predicted: the numbers at the places `outputs` of `target`.
    ///   - means: of all outputs over the training episodes.
    mutating func add(episode: Int, predicted: [Double], target: [Double], means: [Double], outputs range: Range<Int>) {
        for (place, value) in zip(range, predicted) {
            let (error, deviation) = (target[place] - value, target[place] - means[place])
            errors[episode * outputs + place] += error * error
            deviations[episode * outputs + place] += deviation * deviation
            squares[episode * outputs + place] += target[place] * target[place]
        }
    }

    /// R² of all outputs in their units, as in LaWAM's published evaluation, with each episode counted as often as `times` says;
    /// nil where none varies. An average over outputs would count joints that rest, whose noise nothing tells, as much as
    /// those that act.
    func r2(_ range: Range<Int>, times: [Double]) -> Double? {
        var (error, deviation, square) = (0.0, 0.0, 0.0)
        for episode in 0..<episodes where times[episode] > 0 {
            for place in range.map({ episode * outputs + $0 }) {
                error += times[episode] * errors[place]
                deviation += times[episode] * deviations[place]
                square += times[episode] * squares[place]
            }
        }
        return deviation > 1e-9 * square ? 1 - error / deviation : nil
    }
}

/// What a probe has found: shares of the actions' variance that are explained, 1 at best, 0 for no more than the mean tells.
package struct ProbeScores: Equatable, Sendable {
    /// A value with the bounds of its 95 % interval over episodes.
    package struct Interval: Equatable, Sendable {
        package var value: Double
        package var low: Double
        package var high: Double

        package init(value: Double, low: Double, high: Double) {
            (self.value, self.low, self.high) = (value, low, high)
        }
    }

    package var actionWidth: Int
    package var chunk: Int
    /// That were looked at.
    package var episodes: Int
    package var pairs: Int
    /// R² by target and source; absent where nothing varies or too few episodes are there.
    package var r2: [ActionTarget: [ActionProbe.Source: Interval]] = [:]
    /// R² of the latents minus that of a rival, likewise.
    package var lead: [ActionTarget: [ActionProbe.Source: Interval]] = [:]

    package init(actionWidth: Int, chunk: Int, episodes: Int, pairs: Int) {
        (self.actionWidth, self.chunk, self.episodes, self.pairs) = (actionWidth, chunk, episodes, pairs)
    }

    mutating func score(
        _ residuals: [ActionProbe.Source: EpisodeResiduals], resamples: Int, draw: (_ bound: Int) -> Int
    ) {
        let once = [Double](repeating: 1, count: episodes)
        // The same draws for all sources, so that their differences have intervals, too.
        let draws = (0..<resamples).map { _ in
            (0..<episodes).reduce(into: [Double](repeating: 0, count: episodes)) { times, _ in
                times[draw(episodes)] += 1
            }
        }
        for target in ActionTarget.allCases {
            let range = target.range(actionWidth: actionWidth, chunk: chunk)
            var drawn: [ActionProbe.Source: [Double?]] = [:]
            for (source, residuals) in residuals {
                guard let value = residuals.r2(range, times: once) else { continue }
                let values = draws.map { residuals.r2(range, times: $0) }
                drawn[source] = values
                r2[target, default: [:]][source] = Self.interval(value, values.compactMap { $0 })
            }
            guard let own = r2[target]?[.latents], let ownDraws = drawn[.latents] else { continue }
            for rival in ActionProbe.Source.rivals {
                guard let value = r2[target]?[rival], let draws = drawn[rival] else { continue }
                let differences = zip(ownDraws, draws).compactMap { own, rival in
                    own.flatMap { a in rival.map { a - $0 } }
                }
                lead[target, default: [:]][rival] = Self.interval(own.value - value.value, differences)
            }
        }
    }

    private static func interval(_ value: Double, _ draws: [Double]) -> Interval {
        let sorted = draws.sorted()
        guard !sorted.isEmpty else { return Interval(value: value, low: value, high: value) }
        func quantile(_ share: Double) -> Double {
            sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
        }
        return Interval(value: value, low: quantile(0.025), high: quantile(0.975))
    }

    /// The rival that comes closest to the latents at a target, or leaves them furthest behind.
    package func strongestRival(at target: ActionTarget) -> ActionProbe.Source? {
        ActionProbe.Source.rivals.filter { lead[target]?[$0] != nil }.min {
            (lead[target]?[$0]?.value ?? 0) < (lead[target]?[$1]?.value ?? 0)
        }
    }
}
