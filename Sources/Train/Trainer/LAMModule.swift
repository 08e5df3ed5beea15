import LAM
import NN
import Tensor

/// A latent action model with everything that training changes: parameters, gradients, optimiser. Lightning's
/// `LightningModule`.
public final class LAMModule {
    public let backend: any Backend
    public let store: ParameterStore
    public let model: LatentActionModel
    public let optimizer: AdamW
    /// Number format of forward and backward passes.
    public let autocast: Autocast

    /// What one training or validation batch gives.
    public struct BatchResult: Sendable {
        public var loss: Float
        public var mseLoss: Float
        public var qLoss: Float
        public var commitLoss: Float
        /// Fraction of the codebook's codes that occur in the batch.
        public var codeUsage: Float
        /// Codes `[B * n]`.
        public var indices: [Int32]
        /// Mean squared difference of the two frames' features: the loss of predicting that nothing changes.
        public var copyBaseline: Float
        /// Predicted features of the second frame, still on the backend, `[B, 1, N, D]`.
        public var recon: Tensor
        /// Continuous latents `[B, n, L]`, still on the backend.
        public var emb: Tensor
    }

    /// - Parameter featureWidth: D of the vision encoder.
    public init(
        backend: any Backend, featureWidth: Int, options: LatentActionModelOptions, optimizer: AdamW.Options,
        seed: UInt64, autocast: Autocast = .off
    ) {
        self.backend = backend
        self.autocast = autocast
        store = ParameterStore(backend: backend)
        model = LatentActionModel(store.root, featureWidth: featureWidth, options)
        store.allocate(seed: seed)
        self.optimizer = AdamW(store, optimizer)
    }

    /// Forward and backward on features `[B, 2, N, D]`; adds this batch's gradients to the store's.
    ///
    /// - Parameter observer: sees intermediate activations by name.
    public func trainingStep(
        _ patches: Tensor, observer: ((String, Tensor) -> Void)? = nil
    ) -> (output: LatentActionModel.Output, result: BatchResult) {
        let tape = Tape(on: backend, recording: true, autocast: autocast)
        tape.observer = observer
        let output = model(patches, tape)
        tape.backward(from: output.loss)
        let result = summarize(output, patches)
        model.vq.count(result.indices, perSample: LatentActionModel.actionTokens)
        return (output, result)
    }

    /// Forward alone.
    public func validationStep(_ patches: Tensor) -> BatchResult {
        summarize(model(patches, Tape(on: backend, recording: false, autocast: autocast)), patches)
    }

    /// Clips the accumulated gradients, updates the parameters and clears the gradients.
    ///
    /// - Returns: the global gradient norm before clipping.
    public func optimizerStep(learningRate: Float, gradientScale: Float = 1, clipNorm: Double?) -> Double {
        let norm = GradientClipping.globalNorm(store) * Double(gradientScale)
        let clip = GradientClipping.scale(norm: norm, limit: clipNorm)
        optimizer.update(learningRate: learningRate, gradientScale: gradientScale * clip)
        store.zeroGradients()
        return norm
    }

    private func summarize(_ output: LatentActionModel.Output, _ patches: Tensor) -> BatchResult {
        let indices = backend.int32s(output.indices)
        let first = Tape(on: backend, recording: false).frame(patches, 0)
        let baseline = backend.empty([])
        backend.meanSquaredError(first, output.target, into: baseline)
        func scalar(_ tensor: Tensor) -> Float { backend.floats(tensor)[0] }
        return BatchResult(
            loss: scalar(output.loss), mseLoss: scalar(output.mseLoss), qLoss: scalar(output.qLoss),
            commitLoss: scalar(output.commitLoss),
            codeUsage: Float(Set(indices).count) / Float(model.vq.codeCount), indices: indices,
            copyBaseline: scalar(baseline), recon: output.recon, emb: output.emb)
    }
}
