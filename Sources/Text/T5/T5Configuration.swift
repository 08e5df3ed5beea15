import Formats

/// Sizes of a T5 encoder, as its weights show them.
public struct T5Configuration: Equatable, Sendable {
    /// `d_model`.
    public var width: Int
    public var heads: Int
    /// `d_kv`; `heads * headDim` need not be `width`.
    public var headDim: Int
    /// `d_ff`.
    public var feedForwardWidth: Int
    public var blocks: Int
    /// Rows of the embedding: the tokenizer's ids and some more.
    public var vocabulary: Int
    /// GELU-gated feed-forward of T5 1.1, instead of the ReLU of T5 1.0.
    public var isGated: Bool

    /// What all heads together take per token.
    var attentionWidth: Int { heads * headDim }

    /// Whether a tensor is part of the blocks or the last norm.
    static func isEncoders(_ name: String) -> Bool {
        name.hasPrefix("encoder.block.") || name.hasPrefix("encoder.final_layer_norm.")
    }

    static func block(_ index: Int) -> String { "encoder.block.\(index)." }
    static let biasTable = biasTable(of: 0)
    /// T5 has a table in its first block, for all; umT5 has one in each.
    static func biasTable(of index: Int) -> String {
        block(index) + "layer.0.SelfAttention.relative_attention_bias.weight"
    }

    /// - Parameter weights: keys as HuggingFace has them.
    /// - Throws: `FormatError.weights` that names the tensor that is missing or has the wrong shape.
    init(weights: WeightFile) throws(FormatError) {
        let embedding = try weights.matrix(Self.embedding(in: weights))
        let table = try weights.matrix(Self.biasTable)
        let query = try weights.matrix(Self.block(0) + "layer.0.SelfAttention.q.weight")
        let isGated = weights.tensors[Self.block(0) + "layer.1.DenseReluDense.wi_0.weight"] != nil
        let wiName = Self.block(0) + "layer.1.DenseReluDense.\(isGated ? "wi_0" : "wi").weight"
        let wi = try weights.matrix(wiName)
        guard table[0] == RelativePositions.bucketCount else {
            throw .weights(
                path: weights.path,
                .shape(Self.biasTable, expected: [RelativePositions.bucketCount, table[1]], got: table))
        }
        let (width, heads) = (embedding[1], table[1])
        guard query[0] % heads == 0 else {
            let rows = (query[0] / heads + 1) * heads
            throw .weights(
                path: weights.path,
                .shape(Self.block(0) + "layer.0.SelfAttention.q.weight", expected: [rows, width], got: query))
        }
        // A block that is missing between others must not shorten the network, so the highest number counts; a number
        // beyond that of all tensors means a missing block whatever it is.
        let numbers = weights.tensors.keys.compactMap { name -> Int? in
            guard name.hasPrefix("encoder.block.") else { return nil }
            return name.dropFirst(14).split(separator: ".").first.flatMap { Int($0) }
        }
        self.init(
            width: width, heads: heads, headDim: query[0] / heads, feedForwardWidth: wi[0],
            blocks: min(numbers.max() ?? 0, weights.tensors.count) + 1, vocabulary: embedding[0], isGated: isGated)
    }

    public init(
        width: Int, heads: Int, headDim: Int, feedForwardWidth: Int, blocks: Int, vocabulary: Int, isGated: Bool
    ) {
        self.width = width
        self.heads = heads
        self.headDim = headDim
        self.feedForwardWidth = feedForwardWidth
        self.blocks = blocks
        self.vocabulary = vocabulary
        self.isGated = isGated
    }

    /// `shared.weight`; files of an encoder alone may have it only under its other name.
    static func embedding(in weights: WeightFile) -> String {
        let other = "encoder.embed_tokens.weight"
        return weights.tensors["shared.weight"] == nil && weights.tensors[other] != nil ? other : "shared.weight"
    }
}

extension WeightFile {
    /// The shape of a tensor that must have two axes.
    fileprivate func matrix(_ name: String) throws(FormatError) -> [Int] {
        let shape = try tensor(name).shape
        guard shape.count == 2 else {
            throw .weights(path: path, .shape(name, expected: [0, 0], got: shape))
        }
        return shape
    }
}
