import Randomness
import Tensor

/// What the rows of a codebook are at a run's first step.
enum CodebookStart: String, CaseIterable {
    /// Uniform in ±1/K.
    case random
    /// The centres of the first batch's latents. A centre that no latent is nearest to stays where it was.
    case kmeans
    /// LaWAM's: the same, but such a centre becomes 0.
    case original
}

extension Codebook {
    /// Lloyd's steps, and the most latents that take part.
    static let lloydSteps = 10
    static let startRows = 100_000

    /// Options of all quantisers with a codebook.
    static func options(start: CodebookStart) -> [BottleneckOption] {
        [
            BottleneckOption.layerNorm(false),
            BottleneckOption(
                "cosine", initial: .flag(false), bound: .flag,
                "Latents and codes are compared by their directions alone.",
                decidesMeaning: true),
            BottleneckOption(
                "start", initial: .choice(start.rawValue), bound: .oneOf(CodebookStart.allCases.map(\.rawValue)),
                "What codes are at the first step: `random`, the centres of the first batch's latents (`kmeans`), or those "
                    + "as LaWAM finds them (`original`), where a centre without latents becomes 0."),
        ]
    }

    convenience init(_ site: BottleneckSite, _ choice: BottleneckChoice, isTrainable: Bool = true) {
        self.init(
            site.scope, site.codebookName, codes: site.codes, latentWidth: site.latentWidth, counting: site.counting,
            isCosine: choice.flag("cosine"), hasNorm: choice.flag("layer_norm"), isTrainable: isTrainable)
    }

    /// Gives the rows their first values.
    ///
    /// - Parameter latents: encoder outputs of the first batch over all ranks, `[M, L]` flat.
    func begin(_ start: CodebookStart, latents: [Float], backend: any Backend, _ generator: inout RandomGenerator) {
        guard start != .random, !latents.isEmpty else { return }
        var sources = normalizedRows(latents, backend)
        if sources.count / width > Self.startRows {
            let chosen = generator.permutation(sources.count / width).prefix(Self.startRows)
            sources = chosen.flatMap { sources[$0 * width..<($0 + 1) * width] }
        }
        let own = sources.count / width
        let repeated = (0..<max(0, count - own)).map { _ in generator.integer(below: own) }
        let centres = Self.centres(
            of: sources, width: width, count: count, repeating: repeated,
            order: generator.permutation(own + repeated.count), steps: Self.lloydSteps,
            emptyBecomeZero: start == .original)
        for row in 0..<count { write(centres[row * width..<(row + 1) * width], to: row, backend) }
    }

    /// Lloyd's algorithm.
    ///
    /// - Parameters:
    ///   - latents: rows of `width` values.
    ///   - repeating: rows that are taken a second time, where there are fewer than centres.
    ///   - order: of the rows and those behind them; the first `count` are the first centres.
    /// - Returns: `[count, width]` flat.
    package static func centres(
        of latents: [Float], width: Int, count: Int, repeating: [Int], order: [Int], steps: Int, emptyBecomeZero: Bool
    ) -> [Float] {
        var rows = latents.map(Double.init)
        for row in repeating { rows += latents[row * width..<(row + 1) * width].map(Double.init) }
        var centres = order.prefix(count).flatMap { rows[$0 * width..<($0 + 1) * width] }
        let total = rows.count / width
        for _ in 0..<steps {
            var sums = [Double](repeating: 0, count: centres.count)
            var members = [Int](repeating: 0, count: count)
            for row in 0..<total {
                var best = (centre: 0, distance: Double.infinity)
                for centre in 0..<count {
                    var distance = 0.0
                    for channel in 0..<width {
                        let difference = rows[row * width + channel] - centres[centre * width + channel]
                        distance += difference * difference
                    }
                    if distance < best.distance { best = (centre, distance) }
                }
                members[best.centre] += 1
                for channel in 0..<width { sums[best.centre * width + channel] += rows[row * width + channel] }
            }
            for centre in 0..<count where members[centre] > 0 || emptyBecomeZero {
                for channel in 0..<width {
                    let place = centre * width + channel
                    centres[place] = sums[place] / Double(max(1, members[centre]))
                }
            }
        }
        return centres.map { Float($0) }
    }
}
