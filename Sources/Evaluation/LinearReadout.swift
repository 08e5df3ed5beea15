/// A linear map from latents to actions, fitted to whole episodes by ridge regression, with what it explains of episodes that
/// it has not seen.
package struct LinearReadout {
    private static let folds = 4
    private static let ridges = [1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100]

    /// By fold; an episode is in one of them.
    private var moments: [RidgeMoments]
    private var episodes: Set<Int> = []

    package init(inputs: Int, outputs: Int) {
        moments = [RidgeMoments](repeating: RidgeMoments(inputs: inputs, outputs: outputs), count: Self.folds)
    }

    package var pairs: Int { Int(moments.reduce(0) { $0 + $1.count }) }
    package var episodeCount: Int { episodes.count }

    /// - Parameter episode: numbers that count up from 0.
    package mutating func add(episode: Int, _ latents: [Double], _ action: [Double]) {
        episodes.insert(episode)
        moments[episode % Self.folds].add(latents, action)
    }

    /// What was fitted.
    package struct Result {
        package let map: RidgeMoments.Fit
        package let ridge: Double
        /// R² on held-out episodes for each number of an action; nil of those that do not vary.
        package let r2: [Double?]
    }

    /// Fits all episodes with the strength that explains most of those that are left out in turn, which for the figures is
    /// chosen without the episodes that these are of; nil of fewer than two episodes.
    package func fit() -> Result? {
        let folds = moments.filter { $0.count > 0 }
        guard folds.count > 1 else { return nil }
        let outputs = folds[0].outputs
        var errors = [Double](repeating: 0, count: outputs), deviations = errors
        for held in folds.indices {
            let others = folds.indices.filter { $0 != held }.map { folds[$0] }
            let training = Self.sum(others)
            guard let fit = training.fit(ridge: Self.ridge(others)) else { return nil }
            let mean = RidgeMoments.Fit(
                weights: [Double](repeating: 0, count: fit.weights.count), offset: training.outputMeans)
            for (place, error) in folds[held].squaredErrors(of: fit).enumerated() { errors[place] += error }
            for (place, error) in folds[held].squaredErrors(of: mean).enumerated() { deviations[place] += error }
        }
        let all = Self.sum(folds), ridge = Self.ridge(folds)
        guard let map = all.fit(ridge: ridge) else { return nil }
        let spread = all.squaredDeviations
        let means = all.outputMeans
        let r2 = (0..<outputs).map { place -> Double? in
            // A number that never changes has a deviation of rounding alone.
            spread[place] > 1e-9 * all.count * max(means[place] * means[place], .leastNormalMagnitude)
                && deviations[place] > 0 ? 1 - errors[place] / deviations[place] : nil
        }
        return Result(map: map, ridge: ridge, r2: r2)
    }

    private static func ridge(_ folds: [RidgeMoments]) -> Double {
        guard folds.count > 1 else { return 1e-2 }
        let weights = sum(folds).squaredDeviations.map { $0 > 0 ? 1 / $0 : 0 }
        let errors = ridges.map { ridge in
            folds.indices.reduce(0.0) { total, held in
                guard let fit = sum(folds.indices.filter { $0 != held }.map { folds[$0] }).fit(ridge: ridge) else {
                    return .infinity
                }
                return zip(folds[held].squaredErrors(of: fit), weights).reduce(total) { $0 + $1.0 * $1.1 }
            }
        }
        return zip(ridges, errors).min { $0.1 < $1.1 }?.0 ?? 1e-2
    }

    private static func sum(_ parts: [RidgeMoments]) -> RidgeMoments {
        parts.dropFirst().reduce(into: parts[0]) { $0.add($1.values) }
    }
}
