import Tensor

/// Terms of the loss that keep a codebook in use, each with its weight; those with weight 0 are not computed.
struct CodebookTerms {
    let sampleEntropy: Float
    let codeEntropy: Float
    let orthogonality: Float

    init(_ choice: BottleneckChoice) {
        sampleEntropy = choice.number("sample_entropy_weight")
        codeEntropy = choice.number("code_entropy_weight")
        orthogonality = choice.number("orthogonal_weight")
    }

    /// Without any.
    init() { (sampleEntropy, codeEntropy, orthogonality) = (0, 0, 0) }

    static let options = [
        BottleneckOption(
            "sample_entropy_weight", initial: .number(0), bound: .nonNegative,
            "Weight of the mean entropy of a sample's codes, which makes codes certain."),
        BottleneckOption(
            "code_entropy_weight", initial: .number(0), bound: .nonNegative,
            "Weight that the entropy of the batch's mean code use is rewarded with."),
        BottleneckOption(
            "orthogonal_weight", initial: .number(0), bound: .nonNegative,
            "Weight of the mean squared cosine of two codes."),
    ]

    var names: [LossName] {
        (sampleEntropy > 0 ? [LossName("sample_entropy", "sample entropy")] : [])
            + (codeEntropy > 0 ? [LossName("code_entropy", "code entropy")] : [])
            + (orthogonality > 0 ? [LossName("orthogonal_loss", "orthogonal loss")] : [])
    }

    /// The terms for normalised latents `[B, n, L]`, in the order of `names`.
    ///
    /// - Parameter temperature: of the distribution over codes, `softmax(-d / temperature)`.
    func callAsFunction(
        _ x: Tensor, _ book: Codebook, temperature: Float, _ tape: Tape
    ) -> [(tensor: Tensor, weight: Float)] {
        var terms: [(tensor: Tensor, weight: Float)] = []
        if sampleEntropy > 0 || codeEntropy > 0 {
            let probabilities = Self.sampleProbabilities(x, book, temperature: temperature, tape)
            if sampleEntropy > 0 { terms.append((Self.entropy(probabilities, tape), sampleEntropy)) }
            if codeEntropy > 0 {
                terms.append((Self.entropy(tape.columnMeans(probabilities), tape), -codeEntropy))
            }
        }
        if orthogonality > 0 { terms.append((Self.orthogonality(book, tape), orthogonality)) }
        return terms
    }

    /// Logits of codes, `[B, n, K]`: what `-d / temperature` is but for a constant in each row, which a softmax cancels. `d` is
    /// the squared distance, or the negative cosine.
    static func logits(_ x: Tensor, _ book: Codebook, temperature: Float, _ tape: Tape) -> Tensor {
        let table = book.table(tape)
        let products = tape.crossProduct(x, table)
        guard !book.isCosine else { return tape.affine(products, 1 / temperature) }
        let squares = tape.rowProducts(table, table, rows: book.count)
        return tape.add(tape.affine(products, 2 / temperature), repeating: tape.affine(squares, -1 / temperature))
    }

    /// Probabilities of codes, means over the n latents of a sample: `[B, K]`.
    private static func sampleProbabilities(
        _ x: Tensor, _ book: Codebook, temperature: Float, _ tape: Tape
    ) -> Tensor {
        let all = tape.softmax(logits(x, book, temperature: temperature, tape))
        let bounded = tape.apply(.clamp(low: 1e-12, high: 1 - 1e-12), all)
        return tape.meanToken(bounded)
    }

    /// Mean over rows of `-sum p log p`.
    private static func entropy(_ probabilities: Tensor, _ tape: Tape) -> Tensor {
        let rows = probabilities.count / (probabilities.shape.last ?? 1)
        let products = tape.rowProducts(probabilities, tape.apply(.log, probabilities), rows: 1)
        return tape.affine(products, -1 / Float(rows)).reshaped([])
    }

    /// Mean of `cos^2` over pairs of different codes.
    private static func orthogonality(_ book: Codebook, _ tape: Tape) -> Tensor {
        let table = book.table(tape)
        let unit = book.isCosine ? table : tape.unitRows(table)
        let cosines = tape.crossProduct(unit, unit)
        let pairs = Float(max(1, book.count * (book.count - 1)))
        // Each code's cosine with itself is 1 and has no gradient.
        return tape.affine(
            tape.rowProducts(cosines, cosines, rows: 1), 1 / pairs, offset: -Float(book.count) / pairs
        ).reshaped([])
    }
}

extension Tape {
    /// The mean of the tokens of `[B, n, L]`: `[B, L]`.
    func meanToken(_ x: Tensor) -> Tensor {
        let count = x.shape[x.shape.count - 2], width = x.shape[x.shape.count - 1]
        let rows = [x.count / (count * width), width]
        guard count > 1 else { return x.reshaped(rows) }
        let total = (1..<count).reduce(tokens(x, 0..<1)) { sum($0, tokens(x, $1..<$1 + 1)) }
        return affine(total, 1 / Float(count)).reshaped(rows)
    }
}
