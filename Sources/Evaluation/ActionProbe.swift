/// How well the recorded actions of one dataset can be read off something, by ridge regression on whole episodes that
/// the regression has not seen.
///
/// Episodes are dealt into folds; each fold is predicted from the others, and within these, and for each target by itself,
/// the strength of the ridge is chosen the same way. Intervals come from drawing episodes again with replacement, since
/// neighbouring pairs are nearly equal.
package struct ActionProbe {
    /// What actions are read off.
    package enum Source: String, CaseIterable, Sendable {
        /// The latents: of a codebook its chosen rows.
        case latents
        /// As many principal components of the first frame's features: what the scene tells without any motion.
        case frame
        /// Both, side by side.
        case both = "latents_and_frame"
        /// Differences of both frames' features, folded to as many numbers by random signs.
        case frameDifferences = "frame_differences"
        /// As many normal random numbers: what chance gives.
        case noise

        package var words: String {
            switch self {
            case .latents: "latents"
            case .frame: "first frame"
            case .both: "both"
            case .frameDifferences: "frame differences"
            case .noise: "noise"
            }
        }

        /// What latents should tell more than.
        package static let rivals: [Source] = [.frame, .frameDifferences, .noise]
    }

    /// What is known of a pair.
    package struct Sample {
        /// Place in the order of all pairs.
        package var order: Int
        package var episode: Int
        package var latents: [Double]
        /// The first frame's features, folded where they are many.
        package var frame: [Double]
        package var frameDifferences: [Double]
        package var noise: [Double]
        /// As `ActionTarget.values` gives it.
        package var target: [Double]

        package init(
            order: Int, episode: Int, latents: [Double], frame: [Double], frameDifferences: [Double], noise: [Double],
            target: [Double]
        ) {
            (self.order, self.episode, self.latents, self.frame) = (order, episode, latents, frame)
            (self.frameDifferences, self.noise, self.target) = (frameDifferences, noise, target)
        }
    }

    static let largestFolds = 4
    private static let ridges = [1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100]
    /// Where there is nothing to choose by.
    private static let middleRidge = 1e-2

    package let actionWidth: Int
    package let chunk: Int
    private var samples: [Sample] = []

    package init(actionWidth: Int, chunk: Int) { (self.actionWidth, self.chunk) = (actionWidth, chunk) }

    package var pairs: Int { samples.count }
    package var episodes: Int { Set(samples.map(\.episode)).count }

    package mutating func add(_ sample: Sample) {
        precondition(
            sample.target.count == (2 + chunk) * actionWidth,
            "\(sample.target.count) numbers for \(2 + chunk) actions of \(actionWidth)")
        samples.append(sample)
    }

    /// Probes all sources.
    ///
    /// - Parameters:
    ///   - resamples: draws of the episodes that an interval is of.
    ///   - draw: a number below the one it is given.
    package func scores(resamples: Int = 500, draw: (_ bound: Int) -> Int) -> ProbeScores {
        let samples = samples.sorted { $0.order < $1.order }
        let episodes = Set(samples.map(\.episode)).sorted()
        let number = Dictionary(uniqueKeysWithValues: episodes.enumerated().map { ($1, $0) })
        var scores = ProbeScores(actionWidth: actionWidth, chunk: chunk, episodes: episodes.count, pairs: samples.count)
        guard episodes.count > 1 else { return scores }
        let count = min(Self.largestFolds, episodes.count)
        let episodeOf = samples.map { number[$0.episode] ?? 0 }
        let foldOf = episodeOf.map { $0 % count }
        let components = samples[0].latents.count
        var residuals: [Source: EpisodeResiduals] = [:]
        for source in Source.allCases {
            residuals[source] = EpisodeResiduals(episodes: episodes.count, outputs: samples[0].target.count)
        }
        for held in 0..<count {
            // Of the training episodes alone, like everything that is learned.
            let training = samples.indices.filter { foldOf[$0] != held }
            let principal = PrincipalComponents(training.map { samples[$0].frame }, components: components)
            let frames = samples.map { principal($0.frame) }
            for source in Source.allCases {
                let rows = zip(samples, frames).map { sample, frame -> [Double] in
                    switch source {
                    case .latents: sample.latents
                    case .frame: frame
                    case .both: sample.latents + frame
                    case .frameDifferences: sample.frameDifferences
                    case .noise: sample.noise
                    }
                }
                predict(
                    held, of: count, rows, samples.map(\.target), foldOf: foldOf, episodeOf: episodeOf,
                    into: &residuals[source, default: EpisodeResiduals(episodes: 0, outputs: 0)])
            }
        }
        scores.score(residuals, resamples: resamples, draw: draw)
        return scores
    }

    /// Predicts one fold from the others.
    private func predict(
        _ held: Int, of count: Int, _ rows: [[Double]], _ targets: [[Double]], foldOf: [Int], episodeOf: [Int],
        into residuals: inout EpisodeResiduals
    ) {
        let none = RidgeMoments(inputs: rows[0].count, outputs: targets[0].count)
        var folds = [RidgeMoments](repeating: none, count: count)
        for place in rows.indices where foldOf[place] != held { folds[foldOf[place]].add(rows[place], targets[place]) }
        let others = folds.indices.filter { $0 != held }.map { folds[$0] }
        let all = Self.sum(others)
        let means = all.outputMeans
        for target in ActionTarget.allCases {
            let range = target.range(actionWidth: actionWidth, chunk: chunk)
            guard let fit = all.fit(ridge: Self.ridge(others, range)) else { continue }
            for place in rows.indices where foldOf[place] == held {
                residuals.add(
                    episode: episodeOf[place], predicted: fit.callAsFunction(rows[place], outputs: range),
                    target: targets[place], means: means, outputs: range)
            }
        }
    }

    /// The strength with the least error on folds that are left out in turn.
    private static func ridge(_ folds: [RidgeMoments], _ outputs: Range<Int>) -> Double {
        guard folds.count > 1 else { return middleRidge }
        let errors = ridges.map { ridge in
            folds.indices.reduce(0.0) { total, held in
                let others = folds.indices.filter { $0 != held }.map { folds[$0] }
                guard let fit = sum(others).fit(ridge: ridge, outputs: outputs) else { return .infinity }
                return folds[held].squaredErrors(of: fit, outputs: outputs).reduce(total, +)
            }
        }
        return zip(ridges, errors).min { $0.1 < $1.1 }?.0 ?? middleRidge
    }

    private static func sum(_ parts: [RidgeMoments]) -> RidgeMoments {
        parts.dropFirst().reduce(into: parts[0]) { $0.add($1.values) }
    }
}
