import Tensor

/// AdamW with decoupled weight decay (Loshchilov & Hutter 2019), as `torch.optim.AdamW`: one parameter group, decay on
/// everything, all parameters in one pass.
public final class AdamW {
    public struct Options: Sendable, Equatable {
        public var learningRate: Float = 1e-3
        public var betas: (Float, Float) = (0.9, 0.999)
        public var epsilon: Float = 1e-8
        public var weightDecay: Float = 1e-2

        public init() {}

        public static func == (a: Options, b: Options) -> Bool {
            a.learningRate == b.learningRate && a.betas == b.betas && a.epsilon == b.epsilon
                && a.weightDecay == b.weightDecay
        }
    }

    public var options: Options
    /// Steps taken.
    public var step = 0
    /// First and second moments of every trainable parameter, flat, in the store's order.
    public let expAvg: Tensor
    public let expAvgSq: Tensor
    private let store: ParameterStore

    public init(_ store: ParameterStore, _ options: Options) {
        self.store = store
        self.options = options
        expAvg = store.backend.zeros([store.trainableCount])
        expAvgSq = store.backend.zeros([store.trainableCount])
    }

    /// Takes one step with the gradients in the store times `gradientScale`.
    public func update(learningRate: Float, gradientScale: Float) {
        step += 1
        let constants = AdamWStep(
            step: step, learningRate: learningRate, beta1: options.betas.0, beta2: options.betas.1,
            epsilon: options.epsilon, weightDecay: options.weightDecay, gradientScale: gradientScale)
        store.backend.adamW(
            constants, value: store.values, gradient: store.gradients, expAvg: expAvg, expAvgSq: expAvgSq)
    }

    /// Both moments of one parameter, as views of its shape.
    public func moments(of parameter: Parameter) -> (expAvg: Tensor, expAvgSq: Tensor) {
        let start = parameter.value.offset - store.values.offset
        precondition(
            parameter.value.memory === store.values.memory, "\(parameter.name) is not trained by this optimiser")
        return (
            expAvg.range(start, parameter.count).reshaped(parameter.shape),
            expAvgSq.range(start, parameter.count).reshaped(parameter.shape)
        )
    }
}
