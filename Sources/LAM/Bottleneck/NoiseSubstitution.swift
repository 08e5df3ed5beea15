import NN
import Randomness
import Tensor

/// A codebook whose rounding is replaced by noise of the same length in training (NSVQ, Vali & Bäckström 2022), so that both
/// latents and codes have a true gradient and no loss of their own.
///
/// With code e of latent x and normal numbers v the decoder gets `x + |x - e| / (|v| + 1e-12) v`; with `diveq` (Vali et al.
/// 2025) `x + |e - x| sg(unit(e - x + sqrt(1e-3) v))`. An evaluation gives it the code.
final class NoiseSubstitution: CodebookBottleneck {
    /// Variance of the noise that turns `diveq`'s directions.
    private static let directionDeviation = Float(1e-3).squareRoot()
    private static let floor: Float = 1e-12

    package let book: Codebook
    private let terms: CodebookTerms
    private let isDirected: Bool
    private let start: CodebookStart

    init(_ site: BottleneckSite, _ choice: BottleneckChoice) {
        book = Codebook(site, choice)
        terms = CodebookTerms(choice)
        isDirected = choice.flag("diveq")
        start = CodebookStart(rawValue: choice.choice("start")) ?? .random
    }

    var beginsFromLatents: Bool { start != .random }
    var lossNames: [LossName] { terms.names }

    func callAsFunction(_ emb: Tensor, _ training: TrainingPass?, _ tape: Tape) -> ActionLatents {
        let x = book.normalized(emb, tape)
        let indices = book.nearest(x, tape)
        let z = book.latents(of: indices, tape)
        let losses = terms(x, book, temperature: book.isCosine ? 0.1 : 1, tape)
        guard let training else { return ActionLatents(emb: emb, z: z, zQ: z, indices: indices, losses: losses) }
        let noise = training.noise(for: name, x.shape, on: tape.backend)
        let rest = tape.difference(z, x)
        let constants = Tape(on: tape.backend, recording: false)
        let direction =
            isDirected
            ? constants.unitRows(constants.sum(rest.detached, constants.affine(noise, Self.directionDeviation)))
            : constants.scaleRows(
                noise,
                by: constants.apply(.reciprocal, constants.affine(constants.lengths(noise), 1, offset: Self.floor)))
        let zQ = tape.sum(x, tape.scaleRows(direction, by: tape.lengths(rest)))
        return ActionLatents(emb: emb, z: z, zQ: zQ, indices: indices, losses: losses)
    }

    func begin(latents: [Float], backend: any Backend, _ generator: inout RandomGenerator) {
        book.begin(start, latents: latents, backend: backend, &generator)
    }
}

extension BottleneckKind {
    static let noiseSubstitution = BottleneckKind(
        "nsvq", "a codebook whose rounding is noise of the same length in training",
        options: Codebook.options(start: .kmeans) + CodebookTerms.options + [
            BottleneckOption(
                "diveq", initial: .flag(false), bound: .flag,
                "The noise points to the code, which it only turns a little.")
        ], hasCodes: true, hasCodebook: true
    ) { NoiseSubstitution($0, $1) }
}
