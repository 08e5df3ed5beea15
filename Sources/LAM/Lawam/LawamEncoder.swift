import NN
import Tensor

// Axes: B batch, T = 2 frames, N patches of a frame, Q queries, D model width, F feature width, C latent width.

/// What infers a latent action: learnt queries that read two frames' patches.
///
/// With the modal mask patches see patches alone, and states states, so these run as sequences of their own, and queries as a third
/// that attends to all.
package struct LawamEncoder {
    private let options: LawamOptions
    private let projectIn: Linear?
    private let out: Linear?
    private let stateProject: EmbodimentMLP?
    private let queries: Parameter
    private let reader: QueryReader
    private let layers: [EncoderLayer]

    init(_ scope: ParameterScope, featureWidth: Int, _ options: LawamOptions) {
        self.options = options
        let dim = options.dim
        projectIn = featureWidth == dim ? nil : Linear(scope("project_in"), in: featureWidth, out: dim)
        out = options.latentWidth == dim ? nil : Linear(scope("out_proj"), in: dim, out: options.latentWidth)
        stateProject =
            options.addsState
            ? EmbodimentMLP(
                scope("state_project"), embodiments: options.embodiments, in: options.maxStateDim, hidden: dim, out: dim
            )
            : nil
        let former = scope("QFormer")
        queries = former.parameter("queries", [1, options.queries, dim], .normal(deviation: 1))
        reader = QueryReader(former("q_cross_attn"), width: dim, heads: options.heads)
        layers = (0..<options.encLayers).map {
            EncoderLayer(former("layers")($0), width: dim, hidden: dim * options.ffnFactor, heads: options.heads)
        }
    }

    /// Latents `[B, Q, C]` of features `[B, T, N, F]`.
    func callAsFunction(_ features: Tensor, states: RobotStates?, _ tape: Tape) -> Tensor {
        let (batch, frames, patches) = (features.shape[0], features.shape[1], features.shape[2])
        let projected = projectIn?(features, tape) ?? features
        tape.observe("encoder.project_in", projected)
        let grid = options.grid(ofPatches: patches)
        let table = AddedPositions.ofFrames(frames, rows: grid.rows, columns: grid.columns, width: options.dim)
        let positions = tape.backend.tensor(table, [frames * patches, options.dim])
        var streams = Streams(
            patches: tape.add(projected.reshaped([batch, frames * patches, options.dim]), repeating: positions),
            states: nil, queries: tape.prepend(queries, to: tape.backend.empty([batch, 0, options.dim])))
        if let stateProject, let states { streams.states = stateTokens(states, stateProject, frames, tape) }
        streams.queries = reader(streams, tape)
        tape.observe("encoder.QFormer.q_cross_attn", streams.queries)
        if !options.modalMask { streams = streams.joined(tape) }
        for (index, layer) in layers.enumerated() {
            let isLast = index + 1 == layers.count
            streams = layer(streams, needsTokens: !isLast || tape.observer != nil || !options.modalMask, tape)
            streams.observe("encoder.QFormer.layers.\(index)", tape)
        }
        let count = streams.queries.shape[1]
        let read = options.modalMask ? streams.queries : tape.tokens(streams.queries, count - options.queries..<count)
        let nodes = out?(read, tape) ?? read
        tape.observe("encoder.out_proj", nodes)
        return nodes
    }

    /// A token for each frame's state, with its time.
    private func stateTokens(_ states: RobotStates, _ project: EmbodimentMLP, _ frames: Int, _ tape: Tape) -> Tensor {
        let dim = options.dim, batch = states.embodiments.count
        let rows = states.frames.reshaped([batch * frames, states.width])
        let ids = states.embodiments.flatMap { [Int](repeating: $0, count: frames) }
        let times = SinusoidalPositions.table(count: frames, width: dim)
        return tape.add(
            project(rows, embodiments: ids, tape).reshaped([batch, frames, dim]),
            repeating: tape.backend.tensor(times, [frames, dim]))
    }

    /// The tokens of a batch by kind.
    package struct Streams {
        /// Nil once nobody needs them, and where all tokens are queries.
        package var patches: Tensor?
        package var states: Tensor?
        package var queries: Tensor

        package init(patches: Tensor?, states: Tensor?, queries: Tensor) {
            (self.patches, self.states, self.queries) = (patches, states, queries)
        }

        var all: [Tensor] { [patches, states, queries].compactMap { $0 } }

        /// All tokens as queries, which see everything.
        package func joined(_ tape: Tape) -> Streams {
            let whole = all.dropFirst().reduce(all[0]) { tape.concatenateTokens($0, $1) }
            return Streams(patches: nil, states: nil, queries: whole)
        }

        func observe(_ name: String, _ tape: Tape) {
            guard tape.observer != nil, let patches else { return }
            let constants = Tape(on: tape.backend, recording: false)
            guard let states else { return tape.observe(name, joined(constants).queries) }
            // The original has each frame's state behind its patches.
            let frames = states.shape[1], count = patches.shape[1] / frames
            let tokens = (0..<frames).flatMap { frame in
                [
                    constants.tokens(patches, frame * count..<(frame + 1) * count),
                    constants.tokens(states, frame..<frame + 1),
                ]
            }
            tape.observe(
                name, (tokens + [queries]).dropFirst().reduce(tokens[0]) { constants.concatenateTokens($0, $1) })
        }
    }
}

/// Queries read all tokens: `q += Attention(q, LN(x))`, then `q = LN(q)` and `q += FFN(q)`; the queries themselves are not
/// normalised before.
package struct QueryReader {
    let attention: PackedAttention
    private let expand: Linear
    private let project: Linear
    private let norm1: LayerNorm
    private let norm2: LayerNorm

    package init(_ scope: ParameterScope, width: Int, heads: Int) {
        attention = PackedAttention(scope("attn"), width: width, heads: heads)
        expand = Linear(scope("ff")(0), in: width, out: width)
        project = Linear(scope("ff")(2), in: width, out: width)
        norm1 = LayerNorm(scope("norm1"), width)
        norm2 = LayerNorm(scope("norm2"), width)
    }

    func callAsFunction(_ streams: LawamEncoder.Streams, _ tape: Tape) -> Tensor {
        read(streams.queries, [streams.patches, streams.states].compactMap { $0 }, tape)
    }

    package func read(_ queries: Tensor, _ tokens: [Tensor], _ tape: Tape) -> Tensor {
        let keys = tokens.map { attention.projections(norm1($0, tape), tape) }
        let read = attention(
            queries: attention.projections(queries, tape), keys: keys, tape, addedTo: queries)
        tape.observe("encoder.QFormer.q_cross_attn.attn", branch: read, over: queries)
        let normalized = norm2(read, tape, output: .f32)
        return tape.feedForward(
            tape.cast(normalized), expand: (expand.weight, expand.bias), project: (project.weight, project.bias),
            addedTo: normalized)
    }
}

/// `x += Attention(LN(x))`, `x += W2 relu(W1 LN(x))`: `torch.nn.TransformerEncoderLayer` with its norm first.
package struct EncoderLayer {
    private let attention: PackedAttention
    private let linear1: Linear
    private let linear2: Linear
    private let norm1: LayerNorm
    private let norm2: LayerNorm

    package init(_ scope: ParameterScope, width: Int, hidden: Int, heads: Int) {
        attention = PackedAttention(scope("self_attn"), width: width, heads: heads)
        linear1 = Linear(scope("linear1"), in: width, out: hidden)
        linear2 = Linear(scope("linear2"), in: hidden, out: width)
        norm1 = LayerNorm(scope("norm1"), width)
        norm2 = LayerNorm(scope("norm2"), width)
    }

    /// - Parameter needsTokens: whether anybody reads what becomes of patches and states.
    package func callAsFunction(
        _ streams: LawamEncoder.Streams, needsTokens: Bool, _ tape: Tape
    ) -> LawamEncoder.Streams {
        func projections(_ x: Tensor) -> Tensor { attention.projections(norm1(x, tape), tape) }
        let patches = streams.patches.map { ($0, projections($0)) }
        let states = streams.states.map { ($0, projections($0)) }
        func own(_ stream: (x: Tensor, qkv: Tensor)?) -> Tensor? {
            guard needsTokens, let stream else { return nil }
            return feedForward(attention(stream.qkv, tape, addedTo: stream.x), tape)
        }
        let queries = projections(streams.queries)
        let read: Tensor
        if patches == nil {
            read = attention(queries, tape, addedTo: streams.queries)
        } else {
            let keys = [patches?.1, states?.1, queries].compactMap { $0 }
            read = attention(queries: queries, keys: keys, tape, addedTo: streams.queries)
        }
        return LawamEncoder.Streams(patches: own(patches), states: own(states), queries: feedForward(read, tape))
    }

    private func feedForward(_ x: Tensor, _ tape: Tape) -> Tensor {
        linear2(tape.apply(.relu, linear1(norm2(x, tape), tape)), tape, addedTo: x)
    }
}
