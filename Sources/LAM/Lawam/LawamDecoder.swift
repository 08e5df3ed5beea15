import NN
import Tensor

// Axes: B batch, N patches, D model width, F feature width, C latent width.

/// What predicts the second frame's features from the first's, each block modulated by the latent action.
struct LawamDecoder {
    private let options: LawamOptions
    private let blocks: [ModulatedBlock]
    private let lastNorm: LayerNorm?
    private let projectInput: Linear?
    private let projectOutput: Linear?
    private let actionIn: Linear?

    init(_ scope: ParameterScope, featureWidth: Int, _ options: LawamOptions) {
        self.options = options
        let dim = options.dim
        blocks = (0..<options.decLayers).map {
            ModulatedBlock(
                scope("dec_layers")($0), width: dim, hidden: dim * options.ffnFactor, heads: options.heads)
        }
        lastNorm = options.lastNorm ? LayerNorm(scope("last_ln"), featureWidth) : nil
        projectInput = featureWidth == dim ? nil : Linear(scope("project_input"), in: featureWidth, out: dim)
        projectOutput = featureWidth == dim ? nil : Linear(scope("project_output"), in: dim, out: featureWidth)
        actionIn =
            options.latentWidth == dim ? nil : Linear(scope("action_in_proj"), in: options.latentWidth, out: dim)
    }

    /// Features `[B, 1, N, F]` of latents `[B, n, C]` and features of that shape. Several latents act by their mean.
    func callAsFunction(_ features: Tensor, latents: Tensor, _ tape: Tape) -> Tensor {
        let (batch, patches) = (features.shape[0], features.shape[2])
        let actions = actionIn?(latents, tape) ?? latents
        tape.observe("decoder.action_in_proj", actions)
        let action = tape.meanToken(actions)
        let projected = projectInput?(features, tape) ?? features
        tape.observe("decoder.project_input", projected)
        let grid = options.grid(ofPatches: patches)
        let positions = tape.backend.tensor(
            AddedPositions.ofFrame(rows: grid.rows, columns: grid.columns, width: options.dim),
            [patches, options.dim])
        var x = tape.add(projected.reshaped([batch, patches, options.dim]), repeating: positions)
        let condition = tape.apply(.silu, action)
        for (index, block) in blocks.enumerated() {
            x = block(x, condition: condition, tape, name: "decoder.dec_layers.\(index)")
        }
        let projectedBack = projectOutput?(x, tape) ?? x
        tape.observe("decoder.project_output", projectedBack)
        let out = lastNorm.map { $0(projectedBack, tape, output: .f32) } ?? projectedBack
        tape.observe("decoder.last_ln", out)
        return out.reshaped(features.shape)
    }
}

/// A block whose norms are shifted and scaled, and whose branches are gated, by a condition (adaptive layer norm, Peebles & Xie
/// 2023). What makes them of the condition starts at zero, so that the block begins as the identity.
package struct ModulatedBlock {
    private static let epsilon: Float = 1e-6
    /// Shift, scale and gate of the attention, then of the feed-forward network.
    private static let parts = 6

    private let attention: PackedAttention
    private let feedForward: FeedForward
    private let modulation: Linear

    package init(_ scope: ParameterScope, width: Int, hidden: Int, heads: Int) {
        attention = PackedAttention(scope("attn"), width: width, heads: heads)
        feedForward = FeedForward(scope("ffn"), width: width, hidden: hidden)
        modulation = Linear(scope("adaLN_modulation")(1), in: width, out: Self.parts * width, startsAtZero: true)
    }

    /// - Parameter condition: `silu(c)`, `[B, D]`.
    package func callAsFunction(_ x: Tensor, condition: Tensor, _ tape: Tape, name: String) -> Tensor {
        let width = x.shape[2]
        let all = modulation(condition, tape)
        tape.observe("\(name).adaLN_modulation", all)
        let parts = all.reshaped([x.shape[0], Self.parts, width])
        func part(_ index: Int) -> Tensor { tape.tokens(parts, index..<index + 1) }
        func normalized(_ x: Tensor, _ first: Int) -> Tensor {
            tape.modulate(tape.layerNorm(x, epsilon: Self.epsilon), scale: part(first + 1), shift: part(first))
        }
        let attended = attention(attention.projections(normalized(x, 0), tape), tape)
        tape.observe("\(name).attn", attended)
        let middle = tape.gate(attended, by: part(2), addedTo: x)
        let branch = feedForward(tape.cast(normalized(middle, 3)), tape, addedTo: tape.backend.zeros(x.shape))
        tape.observe("\(name).ffn", branch)
        let out = tape.gate(branch, by: part(5), addedTo: middle)
        tape.observe(name, out)
        return out
    }
}
