import Foundation
import NN
import Randomness
import Tensor

/// A codebook of K latents (van den Oord et al. 2017), the record of how often each is used, and their restart.
///
/// Its loss is `mean (sg(emb) - z)^2 + vq_beta * mean (emb - sg(z))^2`. The decoder gets the nearest code with the gradient of
/// the encoder's latent, or in training a mean of all codes (`soft_assignment`).
public final class VectorQuantizer: CodebookBottleneck {
    package let book: Codebook
    private let commitmentWeight: Float
    private let terms: CodebookTerms
    private let temperature: Temperature
    public let beginsFromLatents: Bool
    private let start: CodebookStart

    /// How sure the choice among codes is, by step.
    struct Temperature {
        var isSoft = false
        var first: Float = 1
        var last: Float = 1
        /// Steps from the first to the last; 0 for always the first.
        var steps = 0

        func callAsFunction(_ step: Int) -> Float {
            guard isSoft, steps > 0 else { return first }
            return max(last, Float(Double(first) * pow(Double(last) / Double(first), Double(step) / Double(steps))))
        }
    }

    /// - Parameters:
    ///   - scope: declares `codebook.weight`, uniform in ±1/K.
    ///   - commitmentWeight: `vq_beta`.
    ///   - usageDivisor: what the share of codes in use is a share of; nil for K.
    ///   - isTrainable: false for a codebook that is only looked up.
    public init(
        _ scope: ParameterScope, codes: Int, latentWidth: Int, commitmentWeight: Float = 0.25, counting: CodeUsage,
        usageDivisor: Int? = nil, isTrainable: Bool = true
    ) {
        book = Codebook(
            scope, "codebook.weight", codes: codes, latentWidth: latentWidth, counting: counting,
            usageDivisor: usageDivisor, isTrainable: isTrainable)
        self.commitmentWeight = commitmentWeight
        (terms, temperature, start, beginsFromLatents) = (CodebookTerms(), Temperature(), .random, false)
    }

    init(_ site: BottleneckSite, _ choice: BottleneckChoice) {
        book = Codebook(site, choice)
        commitmentWeight = site.commitmentWeight
        terms = CodebookTerms(choice)
        var temperature = Temperature(isSoft: choice.flag("soft_assignment"))
        // What LaWAM divides distances by where nothing says otherwise.
        temperature.first = temperature.isSoft ? choice.number("temperature_start") : book.isCosine ? 0.1 : 1
        temperature.last = choice.number("temperature_end")
        temperature.steps = choice.integers("temperature_steps")[0]
        self.temperature = temperature
        start = CodebookStart(rawValue: choice.choice("start")) ?? .random
        beginsFromLatents = start != .random
    }

    /// `[K, L]`.
    public var codebook: Parameter { book.rows }

    public var lossNames: [LossName] {
        [LossName("q_loss", "q loss"), LossName("commit_loss", "commitment loss")] + terms.names
    }

    public func callAsFunction(_ emb: Tensor, _ training: TrainingPass?, _ tape: Tape) -> ActionLatents {
        let x = book.normalized(emb, tape)
        let indices = book.nearest(x, tape)
        let z = book.latents(of: indices, tape)
        let temperature = temperature(training?.step ?? 0)
        var given = z
        if let training, self.temperature.isSoft {
            given = softly(x, temperature: self.temperature(training.step), Tape(on: tape.backend, recording: false))
        }
        let zQ = tape.straightThrough(x, given)
        let qLoss = tape.meanSquaredError(z, x.detached)
        return ActionLatents(
            emb: emb, z: z, zQ: zQ, indices: indices,
            losses: [(qLoss, 1), (tape.meanSquaredError(x, z.detached), commitmentWeight)]
                + terms(x, book, temperature: temperature, tape))
    }

    /// `softmax(-d / temperature)` times the codes.
    private func softly(_ x: Tensor, temperature: Float, _ tape: Tape) -> Tensor {
        let backend = tape.backend, table = book.table(tape)
        let weights = tape.softmax(CodebookTerms.logits(x.detached, book, temperature: temperature, tape))
        // x w^T wants the codes as columns.
        let columns = backend.empty([book.width, book.count])
        for column in 0..<book.width {
            let plan = BlockCopy(
                blocks: book.count, length: 1, source: column, sourceStride: book.width, target: column * book.count,
                targetStride: 1)
            backend.copy(plan, from: table, to: columns, accumulate: false)
        }
        return tape.crossProduct(weights, columns)
    }

    public func begin(latents: [Float], backend: any Backend, _ generator: inout RandomGenerator) {
        book.begin(start, latents: latents, backend: backend, &generator)
    }

    /// Gives unused codes the places of sources in a given order: the first dead code takes source `order[0]`, …
    public func restartDeadCodes(
        _ rule: CodeRestart, latents: [Float], optimizer: AdamW?, backend: any Backend, order: [Int]
    ) -> [Int] {
        precondition(codebook.isTrainable, "the codes of \(name) are frozen")
        return book.restart(rule, latents: latents, optimizer: optimizer, backend: backend, order: order)
    }
}

extension BottleneckKind {
    static let vectorQuantizer = BottleneckKind(
        "vq", "a codebook whose nearest row is taken",
        options: Codebook.options(start: .random) + CodebookTerms.options + [
            BottleneckOption(
                "soft_assignment", initial: .flag(false), bound: .flag,
                "In training, the decoder gets the mean of all codes by `softmax(-d / temperature)`."),
            BottleneckOption(
                "temperature_start", initial: .number(1), bound: .positive,
                "Temperature of `soft_assignment` at the first step."),
            BottleneckOption("temperature_end", initial: .number(1), bound: .positive, "Its lowest temperature."),
            BottleneckOption(
                "temperature_steps", initial: .integers([0]), bound: .integers(lowest: 0, highest: 1_000_000_000),
                "Steps from the first to the last temperature, a geometric course; 0 for always the first."),
        ], hasCodes: true, hasCodebook: true
    ) { VectorQuantizer($0, $1) }
}
