import LAM
import NN
import Tensor

/// A latent action model with everything that training changes: parameters, gradients, optimiser. Lightning's
/// `LightningModule`.
public final class LAMModule {
    public let backend: any Backend
    public let store: ParameterStore
    public let model: any LatentActionModeling
    private let lossNames: [LossName]
    public let optimizer: AdamW
    /// Number format of forward and backward passes.
    public let autocast: Autocast
    /// Whether blocks' activations are made again for the backward pass instead of being kept.
    public var checkpointsActivations = false

    /// What one training or validation batch gives.
    public struct BatchResult {
        /// Sums over the batch's samples.
        public let statistics: BatchStatistics
        /// Each kind of latents, still on the backend.
        public let latents: [ActionLatents]
        /// Predicted features of the second frame, still on the backend, `[B, 1, N, D]`.
        public let recon: Tensor
        /// True features of the second frame in the form in which the model predicts them, likewise.
        public let target: Tensor
        fileprivate let backend: any Backend

        /// Codes `[B * n]` of each kind of latents; nil where these are continuous. They stay on the backend until somebody
        /// asks for more than how often each occurs.
        public var codes: [[Int32]?] { latents.map { $0.indices.map(backend.int32s) } }
        /// The loss, a mean over the samples.
        public var loss: Float { Float(means.total) }
        /// The loss and its terms, means over the samples: as exact as the sums, which are products of an f32 and a
        /// number of samples.
        public var means: LossTerms { statistics.losses / statistics.samples }
    }

    /// - Parameters:
    ///   - sharding: what the optimiser updates of the store, where not everything.
    ///   - model: declares the model in the module's store.
    public init(
        backend: any Backend, optimizer: AdamW.Options, seed: UInt64, autocast: Autocast = .off,
        sharding: ((ParameterStore) -> [Range<Int>])? = nil,
        model: (ParameterScope) -> any LatentActionModeling
    ) {
        self.backend = backend
        self.autocast = autocast
        store = ParameterStore(backend: backend)
        self.model = model(store.root)
        lossNames = self.model.lossNames
        store.allocate(seed: seed)
        self.optimizer = AdamW(store, optimizer, owned: sharding?(store))
    }

    /// A stage-1 model.
    ///
    /// - Parameters:
    ///   - featureWidth: D of the vision encoder.
    ///   - languageWidth: width of the text encoder; nil for a model without language.
    public convenience init(
        backend: any Backend, featureWidth: Int, languageWidth: Int? = nil, options: LatentActionModelOptions,
        optimizer: AdamW.Options, seed: UInt64, autocast: Autocast = .off,
        sharding: ((ParameterStore) -> [Range<Int>])? = nil
    ) {
        self.init(backend: backend, optimizer: optimizer, seed: seed, autocast: autocast, sharding: sharding) {
            LatentActionModel($0, featureWidth: featureWidth, languageWidth: languageWidth, options)
        }
    }

    /// What a batch gave, its numbers on their way to the host.
    public struct BatchRecord {
        public let output: LatentActionOutput
        fileprivate let wait: () throws -> BatchResult

        /// Waits for the numbers.
        ///
        /// - Throws: what went wrong on the backend before they were computed.
        public func result() throws -> BatchResult { try wait() }
    }

    /// Forward and backward; adds this batch's gradients to the store's, and waits for nothing.
    ///
    /// - Parameters:
    ///   - input: with the pass of training that it is part of.
    ///   - gradients: learns when gradients are complete.
    ///   - observer: sees intermediate activations by name.
    ///   - observesBranches: whether it also gets what each residual branch adds, which has to be computed.
    public func forwardAndBackward(
        _ input: LatentActionInput, gradients: (any GradientListener)? = nil,
        observer: ((String, Tensor) -> Void)? = nil, observesBranches: Bool = true
    ) -> BatchRecord {
        let tape = Tape(
            on: backend, recording: true, autocast: autocast, checkpointing: checkpointsActivations)
        tape.gradientListener = gradients
        tape.observer = observer
        tape.observesBranches = observesBranches
        let output = model(input, tape)
        tape.backward(from: output.loss)
        return record(output, input)
    }

    /// Adds the codes of a batch that was trained on to the records of their use.
    func count(_ result: BatchResult) {
        let coded = zip(model.latentParts, result.latents).compactMap { part, latents in
            latents.indices.map { (part, $0) }
        }
        for ((part, indices), codes) in zip(coded, result.statistics.codes) {
            part.bottleneck.count(codes, indices: { [backend] in backend.int32s(indices) }, perSample: part.perPair)
        }
    }

    /// Forward and backward on features `[B, 2, N, D]`, the codes counted and their result waited for.
    ///
    /// - Parameters:
    ///   - language: the samples' instructions, for a model with a language width.
    ///   - training: nil for random numbers by the optimiser's step.
    public func trainingStep(
        _ patches: Tensor, language: LanguageTokens? = nil, training: TrainingPass? = nil,
        observer: ((String, Tensor) -> Void)? = nil
    ) throws -> (output: LatentActionOutput, result: BatchResult) {
        let first = optimizer.step * patches.shape[0]
        let pass =
            training
            ?? TrainingPass(
                step: optimizer.step, seed: 0, samples: Array(first..<first + patches.shape[0]))
        let record = forwardAndBackward(
            LatentActionInput(patches: patches, language: language, training: pass), observer: observer)
        let result = try record.result()
        count(result)
        return (record.output, result)
    }

    /// Forward alone, without anything random.
    public func validationStep(_ input: LatentActionInput) throws -> BatchResult {
        let tape = Tape(on: backend, recording: false, autocast: autocast)
        return try record(model(input, tape), input).result()
    }

    /// The same on features `[B, 2, N, D]`.
    public func validationStep(_ patches: Tensor, language: LanguageTokens? = nil) throws -> BatchResult {
        try validationStep(LatentActionInput(patches: patches, language: language))
    }

    /// Whether a step is over only when its bottlenecks have been updated, too.
    var updatesBottlenecks: Bool { model.latentParts.contains { $0.bottleneck.updatesBesideOptimizer } }

    /// Makes the updates that bottlenecks make beside the optimiser, from what the step's batches have gathered.
    ///
    /// - Parameter sum: adds sums of samples up over ranks, the same on all of them.
    package func updateBottlenecks(sum: (Tensor) throws -> Tensor = { $0 }) rethrows {
        for bottleneck in model.latentParts.map(\.bottleneck) {
            if let statistics = bottleneck.takeStatistics() { bottleneck.absorb(try sum(statistics), on: backend) }
        }
    }

    /// Clips the accumulated gradients, updates the parameters and clears the gradients. Where the gradients' norm or a loss
    /// is not finite, parameters and moments stay as they are, though the host does not know it yet: `revertStep` then
    /// takes the step's count back.
    ///
    /// - Parameters:
    ///   - squares: sums of squares of the gradients' parts, f64, where they are known.
    ///   - losses: that the gradients are of, scalars.
    /// - Returns: the global gradient norm before clipping, one f64.
    public func optimizerStep(
        learningRate: Float, gradientScale: Float = 1, squares: Tensor? = nil, clipNorm: Double?, losses: [Tensor] = []
    ) -> Tensor {
        let clipping = GradientClipping(store, squares: squares, gradientScale: gradientScale, limit: clipNorm)
        if !losses.isEmpty {
            // Zero times a number is zero, and times anything else no number.
            let nothing = backend.empty([])
            backend.weightedSum(losses.map { ($0, 0) }, into: nothing)
            backend.add(clipping.scale, nothing, into: clipping.scale)
        }
        optimizer.update(learningRate: learningRate, gradientScale: clipping.scale)
        store.zeroGradients()
        return clipping.norm
    }

    /// Takes back that a step was taken which has changed nothing.
    package func revertStep() { optimizer.step -= 1 }

    /// What the bottlenecks have counted since their last restarts, one after the other.
    var codeUses: [Double] {
        get { model.latentParts.flatMap { $0.bottleneck.usage.map(Double.init) } }
        set {
            var rest = newValue[...]
            for bottleneck in model.latentParts.map(\.bottleneck) {
                let count = bottleneck.usage.count
                bottleneck.usage = rest.prefix(count).map { Float($0) }
                rest = rest.dropFirst(count)
            }
        }
    }

    private func record(_ output: LatentActionOutput, _ input: LatentActionInput) -> BatchRecord {
        let patches = input.patches
        let scalars = [output.loss, output.copyLoss] + output.losses
        let counts = zip(model.latentParts, output.latents).compactMap { part, latents in
            latents.indices.map { backend.occurrences(of: $0, count: part.bottleneck.codeCount ?? 0) }
        }
        let sums = output.latents.filter { $0.indices == nil }.flatMap { moments(of: $0.z) }
        // Of several frames each step has latents of its own.
        let continuous = output.latents.filter { $0.indices == nil }.map { $0.z.shape[0] }
        let readback = backend.readback(scalars + counts + sums)
        return BatchRecord(output: output) { [model, lossNames, backend] in
            let values = try readback.values(), samples = Double(patches.shape[0])
            let sums = values[..<scalars.count].map { $0[0] * samples }
            let coded = model.latentParts.filter { $0.bottleneck.codeCount != nil }
            let sumsOfLatents = Array(values[(scalars.count + counts.count)...])
            return BatchResult(
                statistics: BatchStatistics(
                    samples: samples, losses: LossTerms(lossNames, [sums[0]] + sums.dropFirst(2)),
                    copyBaseline: sums[1],
                    codes: zip(coded, values[scalars.count...]).compactMap { $0.histogram($1) },
                    spreads: model.latentParts.compactMap { $0.spread() }.enumerated().map { place, spread in
                        spread.with(
                            [Double(continuous[place])] + sumsOfLatents[2 * place] + sumsOfLatents[2 * place + 1])
                    }),
                latents: output.latents, recon: output.recon, target: output.target, backend: backend)
        }
    }

    /// Sums over pairs of latents `[B, n, L]` and of their squares, by dimension.
    private func moments(of z: Tensor) -> [Tensor] {
        let squares = backend.empty(z.shape)
        backend.multiply(z, z, into: squares)
        return [z, squares].map { values in
            let sums = backend.zeros([values.count / max(1, values.shape[0])])
            backend.addColumnSums(of: values, to: sums)
            return sums
        }
    }
}
