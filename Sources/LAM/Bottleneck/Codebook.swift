import NN
import Randomness
import Tensor

// Axes: M latents of a batch, K codes, L latent width.

/// Rows that latents are replaced by, the record of their use, and their restart: what quantisers with a codebook share.
public final class Codebook {
    public let name: String
    /// `[K, L]`.
    public let rows: Parameter
    /// Uses of each code since the last restart, K values.
    public var usage: [Float]
    let usageDivisor: Int
    /// Whether latents and rows are compared by their directions alone.
    let isCosine: Bool
    private let counting: CodeUsage
    private let norm: LayerNorm?

    static let normEpsilon: Float = 1e-5

    /// - Parameters:
    ///   - parameter: name of the rows, uniform in ±1/K.
    ///   - hasNorm: whether latents go through a layer norm, `in_norm`, which has no parameters where `isCosine`.
    ///   - usageDivisor: what the share of codes in use is a share of; nil for K.
    ///   - isTrainable: false for rows that no optimiser changes.
    init(
        _ scope: ParameterScope, _ parameter: String, codes: Int, latentWidth: Int, counting: CodeUsage,
        isCosine: Bool = false, hasNorm: Bool = false, usageDivisor: Int? = nil, isTrainable: Bool = true
    ) {
        name = scope.name
        norm = hasNorm && !isCosine ? LayerNorm(scope("in_norm"), latentWidth, epsilon: Self.normEpsilon) : nil
        rows = scope.parameter(
            parameter, [codes, latentWidth], .uniform(bound: 1 / Float(codes)), isTrainable: isTrainable)
        usage = [Float](repeating: 0, count: codes)
        self.usageDivisor = usageDivisor ?? codes
        (self.isCosine, self.counting) = (isCosine, counting)
    }

    var count: Int { rows.shape[0] }
    var width: Int { rows.shape[1] }

    /// Latents as they are compared with codes.
    func normalized(_ emb: Tensor, _ tape: Tape) -> Tensor {
        if isCosine { return tape.unitRows(tape.layerNorm(emb, epsilon: Self.normEpsilon)) }
        return norm.map { $0(emb, tape, output: .f32) } ?? emb
    }

    /// The nearest code, i32 `[B, n]`, of normalised latents `[B, n, L]`.
    func nearest(_ x: Tensor, _ tape: Tape) -> Tensor {
        guard isCosine else { return tape.nearestCodes(x, in: rows) }
        let indices = tape.backend.empty(Array(x.shape.dropLast()), .i32)
        tape.backend.nearestCodes(x, codebook: table(tape).detached, into: indices)
        return indices
    }

    /// The rows as they are compared, with their gradient, `[K, L]`.
    func table(_ tape: Tape) -> Tensor {
        let table = tape.value(of: rows)
        return isCosine ? tape.unitRows(table) : table
    }

    /// Rows of codes, with their gradient.
    func latents(of indices: Tensor, _ tape: Tape) -> Tensor {
        isCosine ? tape.rows(indices, of: table(tape)) : tape.embedding(indices, in: rows)
    }

    /// Adds the codes of a batch that was trained on to the record of their use.
    func add(_ codes: CodeHistogram, indices: () -> [Int32], perSample: Int) {
        switch counting {
        case .occurrence:
            for (code, count) in codes.counts.enumerated() { usage[code] += Float(count) }
        case .original:
            let indices = indices()
            for start in stride(from: 0, to: indices.count, by: perSample) {
                for index in Set(indices[start..<start + perSample]) { usage[Int(index)] += 1 }
            }
        }
    }

    /// Replaces a row.
    func write(_ row: ArraySlice<Float>, to index: Int, _ backend: any Backend) {
        row.withUnsafeBytes { backend.upload($0, to: rows.value.range(index * width, width)) }
    }
}

/// A bottleneck whose codes are rows of a codebook.
package protocol CodebookBottleneck: LatentBottleneck {
    var book: Codebook { get }
}

extension CodebookBottleneck {
    public var name: String { book.name }
    public var latentWidth: Int { book.width }
    public var codeCount: Int? { book.count }
    public var usageDivisor: Int? { book.usageDivisor }
    public var usage: [Float] {
        get { book.usage }
        set { book.usage = newValue }
    }

    public func latents(of codes: Tensor, _ tape: Tape) -> Tensor { book.latents(of: codes, tape) }

    public func count(_ codes: CodeHistogram, indices: () -> [Int32], perSample: Int) {
        book.add(codes, indices: indices, perSample: perSample)
    }

    public func restartDeadCodes(
        _ rule: CodeRestart, latents: [Float], optimizer: AdamW?, backend: any Backend,
        _ generator: inout RandomGenerator
    ) -> [Int] {
        book.restart(rule, latents: latents, optimizer: optimizer, backend: backend, &generator)
    }
}
