import Formats
import Frozen
import Tensor

// B texts, S tokens, D width, I attention width (heads x head width), F feed-forward width.

/// One block of the encoder: attention, then a feed-forward network, each behind an RMS norm and beside a skip
/// connection. No biases anywhere.
///
/// `x += o(softmax(q k^T + positions) v)` with `q, k, v` of `rms(x)`; the scores are not divided by `sqrt(d)`.
/// `x += wo(relu(wi(rms(x))))`, or gated `x += wo(gelu(wi_0(rms(x))) * wi_1(rms(x)))`.
struct T5Block {
    private static let epsilon: Float = 1e-6

    private let attentionNorm: FrozenNorm
    /// `[3I, D]`.
    private let qkv: LinearMap
    private let attentionOut: LinearMap
    private let feedForwardNorm: FrozenNorm
    /// `wi`, or `wi_0` of a gated network, `[F, D]`.
    private let feedForwardIn: LinearMap
    /// `wi_1` of a gated network.
    private let gate: LinearMap?
    private let feedForwardOut: LinearMap

    /// Checks that a block's tensors are there in their shapes, without reading them.
    static func verify(_ configuration: T5Configuration, weights: WeightFile, block: Int) throws(FormatError) {
        let name = T5Configuration.block(block)
        let (d, i, f) = (configuration.width, configuration.attentionWidth, configuration.feedForwardWidth)
        let inner = configuration.isGated ? ["wi_0", "wi_1"] : ["wi"]
        let shapes =
            ["q", "k", "v"].map { ("layer.0.SelfAttention.\($0)", [i, d]) }
            + inner.map { ("layer.1.DenseReluDense.\($0)", [f, d]) }
            + [("layer.0.SelfAttention.o", [d, i]), ("layer.1.DenseReluDense.wo", [d, f])]
            + (0..<2).map { ("layer.\($0).layer_norm", [d]) }
        for (key, shape) in shapes { _ = try weights.tensor(name + key + ".weight", shape) }
    }

    /// The norm behind the last block.
    static func finalNorm(
        _ configuration: T5Configuration, weights: WeightFile, on backend: any Backend
    ) throws(FormatError) -> FrozenNorm {
        let weight = try weights.tensor("encoder.final_layer_norm.weight", [configuration.width])
        return FrozenNorm(weight: backend.tensor(weight), epsilon: epsilon)
    }

    /// Attention over the tokens of each text, whose scores T5 does not divide.
    static func attentionLayout(_ configuration: T5Configuration, texts: Int, length: Int) -> AttentionLayout {
        var layout = AttentionLayout.spatial(batch: texts, frames: 1, tokens: length, heads: configuration.heads)
        layout.scale = 1
        return layout
    }

    init(
        _ configuration: T5Configuration, weights: WeightFile, block: Int, on backend: any Backend
    ) throws(FormatError) {
        let name = T5Configuration.block(block)
        let (d, i, f) = (configuration.width, configuration.attentionWidth, configuration.feedForwardWidth)
        func linear(_ key: String, _ shape: [Int]) throws(FormatError) -> LinearMap {
            LinearMap(weight: backend.tensor(try weights.tensor(name + key + ".weight", shape)))
        }
        func norm(_ key: String) throws(FormatError) -> FrozenNorm {
            FrozenNorm(
                weight: backend.tensor(try weights.tensor(name + key + ".weight", [d])), epsilon: Self.epsilon)
        }
        attentionNorm = try norm("layer.0.layer_norm")
        let qkv = backend.empty([3 * i, d])
        for (index, part) in ["q", "k", "v"].enumerated() {
            let stored = try weights.tensor(name + "layer.0.SelfAttention.\(part).weight", [i, d])
            backend.upload(stored, to: qkv.range(index * i * d, i * d))
        }
        self.qkv = LinearMap(weight: qkv)
        attentionOut = try linear("layer.0.SelfAttention.o", [d, i])
        feedForwardNorm = try norm("layer.1.layer_norm")
        feedForwardIn = try linear("layer.1.DenseReluDense." + (configuration.isGated ? "wi_0" : "wi"), [f, d])
        gate = configuration.isGated ? try linear("layer.1.DenseReluDense.wi_1", [f, d]) : nil
        feedForwardOut = try linear("layer.1.DenseReluDense.wo", [d, f])
    }

    /// - Parameters:
    ///   - xBSD: the tokens; everything but attention treats each by itself.
    ///   - attend: from `[..., 3I]` to `[..., I]`, with the positions' biases.
    func callAsFunction(
        _ xBSD: Tensor, on backend: any Backend, attend: (_ qkv: Tensor, _ out: Tensor) -> Void
    ) -> Tensor {
        let tokens = Array(xBSD.shape.dropLast())
        let normedBSD = backend.empty(xBSD.shape)
        func applied(_ linear: LinearMap, to x: Tensor, _ epilogue: LinearEpilogue = .none) -> Tensor {
            let out = backend.empty(tokens + [linear.weight.shape[0]])
            linear(x, epilogue, into: out, on: backend)
            return out
        }
        attentionNorm(xBSD, into: normedBSD, on: backend)
        let attendedBSI = backend.empty(tokens + [qkv.weight.shape[0] / 3])
        attend(applied(qkv, to: normedBSD), attendedBSI)
        let middleBSD = applied(attentionOut, to: attendedBSI, .residual(xBSD))

        feedForwardNorm(middleBSD, into: normedBSD, on: backend)
        let activeBSF = applied(feedForwardIn, to: normedBSD, gate == nil ? .relu : .tanhGELU)
        if let gate { backend.multiply(activeBSF, applied(gate, to: normedBSD), into: activeBSF) }
        return applied(feedForwardOut, to: activeBSF, .residual(middleBSD))
    }
}
