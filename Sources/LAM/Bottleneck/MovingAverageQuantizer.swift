import NN
import Randomness
import Tensor

// Axes: M latents of a step, K codes, L latent width.

/// A codebook whose rows are moving averages of the latents that chose them (van den Oord et al. 2017, appendix A); no
/// optimiser changes it.
///
/// With counts c and sums s of a step's latents by code: `n = decay n + (1 - decay) c`, `m = decay m + (1 - decay) s`, and the
/// rows become `m / (n + 1e-5 K)`. The loss is `vq_beta * mean (emb - sg(z))^2`.
final class MovingAverageQuantizer: CodebookBottleneck {
    private static let epsilon: Float = 1e-5

    /// What n is at the first step.
    enum Seed: String, CaseIterable {
        /// 1, so that a row that is chosen moves by a hundredth.
        case one
        /// LaWAM's 1e-5: the first step multiplies rows by a hundred, and unused ones by ten thousand.
        case original

        var value: Float { self == .one ? 1 : 1e-5 }
    }

    package let book: Codebook
    /// n, `[K]`, and m, `[K, L]`.
    private let sizes: Parameter
    private let sums: Parameter
    private let commitmentWeight: Float
    private let terms: CodebookTerms
    private let decay: Double
    private let seed: Seed
    private let start: CodebookStart
    /// Sums `[K, L]` and then counts `[K]` of the step's batches so far.
    private var gathered: Tensor?

    init(_ site: BottleneckSite, _ choice: BottleneckChoice) {
        book = Codebook(site, choice, isTrainable: false)
        sizes = site.scope.parameter("ema_cluster_size", [site.codes], .ones, isTrainable: false)
        sums = site.scope.parameter("ema_embed_sum", [site.codes, site.latentWidth], .zeros, isTrainable: false)
        commitmentWeight = site.commitmentWeight
        terms = CodebookTerms(choice)
        decay = Double(choice.number("decay"))
        seed = Seed(rawValue: choice.choice("seed")) ?? .one
        start = CodebookStart(rawValue: choice.choice("start")) ?? .random
    }

    var beginsFromLatents: Bool { start != .random }
    var lossNames: [LossName] { [LossName("commit_loss", "commitment loss")] + terms.names }

    func callAsFunction(_ emb: Tensor, _ training: TrainingPass?, _ tape: Tape) -> ActionLatents {
        let x = book.normalized(emb, tape)
        let indices = book.nearest(x, tape)
        let z = book.latents(of: indices, tape)
        if training != nil { gather(x.detached, indices, tape.backend) }
        return ActionLatents(
            emb: emb, z: z, zQ: tape.straightThrough(x, z), indices: indices,
            losses: [(tape.meanSquaredError(x, z), commitmentWeight)]
                + terms(x, book, temperature: book.isCosine ? 0.1 : 1, tape))
    }

    private func gather(_ x: Tensor, _ indices: Tensor, _ backend: any Backend) {
        let (codes, width) = (book.count, book.width)
        let sums = gathered ?? backend.zeros([codes * (width + 1)])
        let ones = backend.empty([indices.count, 1])
        backend.fill(ones, with: 1)
        backend.scatterAddRows(x, indices: indices, to: sums.range(0, codes * width).reshaped([codes, width]))
        backend.scatterAddRows(ones, indices: indices, to: sums.range(codes * width, codes).reshaped([codes, 1]))
        gathered = sums
    }

    var updatesBesideOptimizer: Bool { true }
    func takeStatistics() -> Tensor? { gathered.take() }

    func absorb(_ statistics: Tensor, on backend: any Backend) {
        let (codes, width) = (book.count, book.width)
        backend.movingAverage(of: statistics.range(codes * width, codes), decay: decay, into: sizes.value)
        backend.movingAverage(of: statistics.range(0, codes * width), decay: decay, into: sums.value)
        let tape = Tape(on: backend, recording: false)
        let shares = tape.apply(
            .reciprocal, tape.affine(sizes.value, 1, offset: Self.epsilon * Float(codes)))
        backend.scaleRows(sums.value, by: shares, into: book.rows.value, accumulate: false)
        if book.isCosine { overwrite(book.rows.value, with: tape.unitRows(book.rows.value), backend) }
    }

    func begin(latents: [Float], backend: any Backend, _ generator: inout RandomGenerator) {
        book.begin(start, latents: latents, backend: backend, &generator)
        backend.fill(sizes.value, with: seed.value)
        let table = book.table(Tape(on: backend, recording: false))
        if book.isCosine { overwrite(book.rows.value, with: table, backend) }
        overwrite(sums.value, with: table, backend)
    }

    func restartDeadCodes(
        _ rule: CodeRestart, latents: [Float], optimizer: AdamW?, backend: any Backend,
        _ generator: inout RandomGenerator
    ) -> [Int] {
        let restarted = book.restart(
            rule, latents: latents, optimizer: optimizer, backend: backend, &generator)
        forget(restarted, on: backend)
        return restarted
    }

    func forget(_ codes: [Int], on backend: any Backend) {
        let width = book.width
        for code in codes {
            backend.fill(sizes.value.range(code, 1), with: 1)
            let row = BlockCopy(blocks: 1, length: width, sourceStride: 0, targetStride: 0)
            backend.copy(
                row, from: book.rows.value.range(code * width, width), to: sums.value.range(code * width, width),
                accumulate: false)
        }
    }

    private func overwrite(_ target: Tensor, with source: Tensor, _ backend: any Backend) {
        let whole = BlockCopy(blocks: 1, length: source.count, sourceStride: 0, targetStride: 0)
        backend.copy(whole, from: source, to: target, accumulate: false)
    }
}

extension BottleneckKind {
    static let movingAverage = BottleneckKind(
        "ema", "a codebook of moving averages of the latents that chose its rows",
        options: Codebook.options(start: .kmeans) + CodebookTerms.options + [
            BottleneckOption(
                "decay", initial: .number(0.99), bound: .belowOne, "Share of the averages that a step keeps."),
            BottleneckOption(
                "seed", initial: .choice("one"), bound: .oneOf(MovingAverageQuantizer.Seed.allCases.map(\.rawValue)),
                "Weight of a code's first row in its average: 1 latent (`one`), or LaWAM's 1e-5 (`original`), which throws "
                    + "the codes away at the first step."),
        ], hasCodes: true, hasCodebook: true
    ) { MovingAverageQuantizer($0, $1) }
}
