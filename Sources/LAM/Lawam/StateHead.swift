import NN
import Tensor

// Axes: B batch, S numbers of a state, D model width, C latent width, n latents of a pair.

/// States of robots, padded to S numbers, with what is known of each.
public struct RobotStates {
    /// Embodiment of each sample; 0 has no state.
    public let embodiments: [Int]
    /// S.
    public let width: Int
    /// Of both frames, zeros where nothing is known, `[B, 2, S]`.
    public let frames: Tensor
    /// Of the first frame, `[B, S]`, and 1 where it is known.
    public let first: Tensor
    public let firstMask: Tensor
    /// The change from first to second frame, and the weight of each number in the loss, which add up to 1; 0 for samples without a
    /// robot.
    public let delta: Tensor
    public private(set) var weights: Tensor
    /// Numbers that count in the loss.
    public let knownCount: Int
    /// Whether any number counts.
    public var isAnyKnown: Bool { knownCount > 0 }

    /// - Parameters:
    ///   - states: both frames of each sample, `[B, 2, S]` flat.
    ///   - isKnown: of the same.
    ///   - delta: `[B, S]` flat; nil for the differences of `states`.
    public init(
        _ states: [Float], isKnown: [Bool], delta: [Float]? = nil, embodiments: [Int], width: Int,
        on backend: any Backend
    ) {
        let batch = embodiments.count
        precondition(
            states.count == 2 * batch * width && isKnown.count == states.count,
            "\(states.count) numbers of states and \(isKnown.count) masks for \(batch) samples of 2 x \(width)")
        (self.embodiments, self.width) = (embodiments, width)
        let masked = zip(states, isKnown).map { $1 ? $0 : 0 }
        var (first, mask, change, weights) = ([Float](), [Float](), [Float](), [Float]())
        for sample in 0..<batch {
            for number in 0..<width {
                let at = 2 * sample * width + number
                first.append(masked[at])
                mask.append(isKnown[at] ? 1 : 0)
                change.append(masked[at + width] - masked[at])
                weights.append(embodiments[sample] != 0 && (isKnown[at] || isKnown[at + width]) ? 1 : 0)
            }
        }
        let known = weights.reduce(0, +)
        knownCount = Int(known)
        frames = backend.tensor(masked, [batch, 2, width])
        self.first = backend.tensor(first, [batch, width])
        firstMask = backend.tensor(mask, [batch, width])
        self.delta = backend.tensor(delta ?? change, [batch, width])
        self.weights = backend.tensor(weights.map { $0 / max(1, known) }, [batch, width])
    }

    /// Of pairs whose states nobody knows.
    static func unknown(batch: Int, width: Int, on backend: any Backend) -> RobotStates {
        let count = 2 * batch * width
        return RobotStates(
            [Float](repeating: 0, count: count), isKnown: [Bool](repeating: false, count: count),
            embodiments: [Int](repeating: 0, count: batch), width: width, on: backend)
    }

    /// The same as part of a batch that ranks share: the mean of the ranks' losses is then the loss of one process that has the
    /// whole batch, however many numbers each of them knows.
    ///
    /// - Parameter knownByAll: numbers that count in the loss on all ranks.
    public func shared(ranks: Int, knownByAll: Int, on backend: any Backend) -> RobotStates {
        guard knownByAll > 0 else { return self }
        var shared = self
        shared.weights = backend.empty(weights.shape)
        let factor = Float(knownCount * ranks) / Float(knownByAll)
        backend.apply(.affine(factor: factor, offset: 0), to: weights, into: shared.weights)
        return shared
    }
}

/// Predicts how a robot's state changes, from the latents and its first state: what ties latents to what a robot does.
struct StateHead {
    private let latentIn: Linear
    private let encoder: EmbodimentMLP
    private let decoder: EmbodimentMLP

    init(_ scope: ParameterScope, _ options: LawamOptions) {
        let dim = options.dim, count = options.embodiments
        latentIn = Linear(scope("z_encoder"), in: options.latentWidth, out: dim)
        encoder = EmbodimentMLP(
            scope("state_encoder"), embodiments: count, in: options.maxStateDim, hidden: dim, out: dim)
        decoder = EmbodimentMLP(
            scope("state_decoder"), embodiments: count, in: 2 * dim, hidden: dim, out: options.maxStateDim)
    }

    /// The change of state `[B, S]` for latents `[B, n, C]`, 0 where the first state is not known.
    func callAsFunction(_ latents: Tensor, _ states: RobotStates, _ tape: Tape) -> Tensor {
        let batch = states.embodiments.count
        let latent = latentIn(tape.meanToken(latents), tape)
        tape.observe("state_decoder.z_encoder", latent)
        let state = encoder(states.first, embodiments: states.embodiments, tape)
        tape.observe("state_decoder.state_encoder", state)
        let dim = latent.shape[1]
        let both = tape.concatenateTokens(latent.reshaped([batch, 1, dim]), state.reshaped([batch, 1, dim]))
        let raw = decoder(both.reshaped([batch, 2 * dim]), embodiments: states.embodiments, tape)
        tape.observe("state_decoder.state_decoder", raw)
        return tape.product(tape.apply(.tanh, raw), states.firstMask)
    }
}

/// Two layers with weights of their own for each embodiment: `y = relu(x W1[e] + b1[e]) W2[e] + b2[e]`.
struct EmbodimentMLP {
    private let layers: [Layer]
    private let embodiments: Int

    /// Weights `[M, in, out]`, biases `[M, out]`.
    private struct Layer {
        let weight: Parameter
        let bias: Parameter

        init(_ scope: ParameterScope, _ embodiments: Int, in inputs: Int, out outputs: Int) {
            weight = scope.parameter("W", [embodiments, inputs, outputs], .normal(deviation: 0.02))
            bias = scope.parameter("b", [embodiments, outputs], .zeros)
        }

        func callAsFunction(_ x: Tensor, _ embodiment: Int, _ tape: Tape) -> Tensor {
            let product = tape.product(x, columnsOf: weight.part(embodiment))
            return tape.add(product, repeating: tape.value(of: bias.part(embodiment)))
        }
    }

    init(_ scope: ParameterScope, embodiments: Int, in inputs: Int, hidden: Int, out outputs: Int) {
        self.embodiments = embodiments
        layers = [
            Layer(scope("layer1"), embodiments, in: inputs, out: hidden),
            Layer(scope("layer2"), embodiments, in: hidden, out: outputs),
        ]
    }

    /// `x` `[R, in]` to `[R, out]`, each row by the weights of its embodiment.
    func callAsFunction(_ x: Tensor, embodiments ids: [Int], _ tape: Tape) -> Tensor {
        precondition(ids.count == x.shape[0] && ids.allSatisfy((0..<embodiments).contains), "embodiments \(ids)")
        var order: [Int] = []
        var parts: [Tensor] = []
        for id in Set(ids).sorted() {
            let rows = ids.indices.filter { ids[$0] == id }
            let own = tape.rows(tape.backend.tensor(rows.map { Int32($0) }, [rows.count]), of: x)
            parts.append(layers[1](tape.apply(.relu, layers[0](own, id, tape)), id, tape))
            order += rows
        }
        let together = parts.dropFirst().reduce(parts[0]) { tape.concatenateTokens($0, $1) }
        var places = [Int32](repeating: 0, count: ids.count)
        for (place, row) in order.enumerated() { places[row] = Int32(place) }
        return tape.rows(tape.backend.tensor(places, [ids.count]), of: together)
    }
}
