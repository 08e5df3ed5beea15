import Formats
import Tensor

// B texts, S tokens, D width, I attention width (heads x head width), F feed-forward width.

/// One block of the encoder: attention, then a feed-forward network, each behind an RMS norm and beside a skip
/// connection. No biases anywhere.
///
/// `x += o(softmax(q k^T + positions) v)` with `q, k, v` of `rms(x)`; the scores are not divided by `sqrt(d)`.
/// `x += wo(relu(wi(rms(x))))`, or gated `x += wo(gelu(wi_0(rms(x))) * wi_1(rms(x)))`.
struct T5Block {
    static let epsilon: Float = 1e-6

    private let attentionNorm: Tensor
    /// `[3I, D]`.
    private let qkv: Tensor
    private let attentionOut: Tensor
    private let feedForwardNorm: Tensor
    /// `wi`, or `wi_0` of a gated network, `[F, D]`.
    private let feedForwardIn: Tensor
    /// `wi_1` of a gated network.
    private let gate: Tensor?
    private let feedForwardOut: Tensor

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

    init(
        _ configuration: T5Configuration, weights: WeightFile, block: Int, on backend: any Backend
    ) throws(FormatError) {
        let name = T5Configuration.block(block)
        let (d, i, f) = (configuration.width, configuration.attentionWidth, configuration.feedForwardWidth)
        func load(_ key: String, _ shape: [Int]) throws(FormatError) -> Tensor {
            backend.tensor(try weights.tensor(name + key + ".weight", shape))
        }
        attentionNorm = try load("layer.0.layer_norm", [d])
        qkv = backend.empty([3 * i, d])
        for (index, part) in ["q", "k", "v"].enumerated() {
            let stored = try weights.tensor(name + "layer.0.SelfAttention.\(part).weight", [i, d])
            backend.upload(stored, to: qkv.range(index * i * d, i * d))
        }
        attentionOut = try load("layer.0.SelfAttention.o", [d, i])
        feedForwardNorm = try load("layer.1.layer_norm", [d])
        feedForwardIn = try load("layer.1.DenseReluDense." + (configuration.isGated ? "wi_0" : "wi"), [f, d])
        gate = configuration.isGated ? try load("layer.1.DenseReluDense.wi_1", [f, d]) : nil
        feedForwardOut = try load("layer.1.DenseReluDense.wo", [d, f])
    }

    /// - Parameters:
    ///   - xBSD: the tokens; everything but attention treats each by itself.
    ///   - attend: from `[..., 3I]` to `[..., I]`, with the positions' biases.
    func callAsFunction(
        _ xBSD: Tensor, on backend: any Backend, attend: (_ qkv: Tensor, _ out: Tensor) -> Void
    ) -> Tensor {
        let tokens = Array(xBSD.shape.dropLast())
        let normedBSD = backend.empty(xBSD.shape)
        func linear(_ x: Tensor, _ weight: Tensor, _ epilogue: LinearEpilogue = .none) -> Tensor {
            let out = backend.empty(tokens + [weight.shape[0]])
            backend.linear(x, weight: weight, bias: nil, epilogue: epilogue, into: out)
            return out
        }
        backend.rmsNorm(xBSD, weight: attentionNorm, epsilon: Self.epsilon, into: normedBSD)
        let attendedBSI = backend.empty(tokens + [qkv.shape[0] / 3])
        attend(linear(normedBSD, qkv), attendedBSI)
        let middleBSD = linear(attendedBSI, attentionOut, .residual(xBSD))

        backend.rmsNorm(middleBSD, weight: feedForwardNorm, epsilon: Self.epsilon, into: normedBSD)
        let activeBSF = linear(normedBSD, feedForwardIn, gate == nil ? .relu : .tanhGELU)
        if let gate { backend.multiply(activeBSF, linear(normedBSD, gate), into: activeBSF) }
        return linear(activeBSF, feedForwardOut, .residual(middleBSD))
    }
}

extension Backend {
    /// A stored array as an f32 tensor.
    func tensor(_ stored: StoredTensor) -> Tensor {
        let tensor = empty(stored.shape)
        upload(stored, to: tensor)
        return tensor
    }

    /// Writes a stored array's elements to an f32 tensor of as many.
    func upload(_ stored: StoredTensor, to tensor: Tensor) {
        if stored.elementType == .f32 {
            stored.withUnsafeBytes { upload($0, to: tensor) }
        } else if stored.elementType == .bf16 {
            let half = empty(stored.shape, .bf16)
            stored.withUnsafeBytes { upload($0, to: half) }
            cast(half, into: tensor)
        } else {
            stored.floats().withUnsafeBytes { upload($0, to: tensor) }
        }
    }
}
