import Checkpoints
import Configuration
import Formats
import Frozen
import LAM
import NN
import OrderedCollections
import Tensor

/// Weights of frozen encoders that a checkpoint is to contain, by the names that the encoders' own files give them.
package struct FrozenWeights {
    package var vision: OrderedDictionary<String, StoredTensor> = [:]
    package var text: OrderedDictionary<String, StoredTensor> = [:]

    package init() {}
}

/// A module's part of a checkpoint: weights, optimiser state, code usage.
extension LAMModule {
    private var countingBottlenecks: [any LatentBottleneck] {
        model.latentParts.map(\.bottleneck).filter { !$0.usage.isEmpty }
    }
    private func usageName(_ bottleneck: any LatentBottleneck) -> String { bottleneck.name + ".usage" }

    /// Everything of the module, borrowed: write the checkpoint before the next step.
    ///
    /// - Parameters:
    ///   - moments: those of all parameters, where the optimiser owns only a part.
    ///   - frozen: encoders that the checkpoint is to contain.
    package func checkpoint(
        epoch: Int, globalStep: Int, learningRate: Double, hasSchedule: Bool, moments: WholeMoments? = nil,
        frozen: FrozenWeights = FrozenWeights()
    ) -> LightningCheckpoint {
        var checkpoint = LightningCheckpoint(
            epoch: epoch, globalStep: globalStep, stateDict: stateDict(with: frozen))
        let options = optimizer.options
        let groups = checkpoint.parameterGroups(undecayed: options.undecayed)
        let indices = Dictionary(
            uniqueKeysWithValues: groups.joined().enumerated().map { ($0.element, $0.offset) })
        var states: OrderedDictionary<Int, AdamWState.Moments> = [:]
        for parameter in store.parameters where parameter.isTrainable && optimizer.step > 0 {
            let own = moments?.of(parameter, in: store) ?? optimizer.moments(of: parameter)
            guard let index = indices[LightningCheckpoint.modelPrefix + parameter.name] else { continue }
            states[index] = AdamWState.Moments(
                step: optimizer.step, expAvg: stored(own.expAvg), expAvgSq: stored(own.expAvgSq))
        }
        var start = 0
        let saved = groups.enumerated().map { place, names in
            var group = AdamWState.Group(lr: learningRate, params: Array(start..<start + names.count))
            start += names.count
            group.betas = (Double(options.betas.0), Double(options.betas.1))
            group.eps = Double(options.epsilon)
            group.weightDecay = place == 0 ? Double(options.weightDecay) : 0
            if hasSchedule { group.initialLR = Double(options.learningRate) }
            return group
        }
        checkpoint.optimizers = [AdamWState(moments: states, groups: saved)]
        checkpoint.trainer = LightningCheckpoint.TrainerState(
            tensors: OrderedDictionary(
                uniqueKeysWithValues: countingBottlenecks.map {
                    (usageName($0), StoredTensor(floats: $0.usage, shape: [$0.usage.count]))
                }))
        return checkpoint
    }

    /// Weights in the original's order, with the frozen encoders where the model's family has them.
    private func stateDict(with frozen: FrozenWeights) -> OrderedDictionary<String, StoredTensor> {
        var result: OrderedDictionary<String, StoredTensor> = [:]
        func add(_ tensors: OrderedDictionary<String, StoredTensor>, _ encoder: String) {
            for (name, tensor) in tensors { result["\(LightningCheckpoint.modelPrefix)\(encoder).\(name)"] = tensor }
        }
        let layout = model.family.layout
        var hasVision = false
        for parameter in store.parameters {
            if !hasVision, !layout.precedesVisionEncoder(parameter.name) {
                add(frozen.vision, layout.visionEncoder)
                hasVision = true
            }
            if parameter.name == layout.followsTextEncoder { add(frozen.text, layout.textEncoder) }
            result[LightningCheckpoint.modelPrefix + parameter.name] = stored(parameter.value)
        }
        return result
    }

    /// Restores weights, and the optimiser and usage where the file has them.
    ///
    /// - Throws: `CheckpointError`. Weights that do not fit change nothing.
    package func restore(_ checkpoint: LightningCheckpoint) throws {
        let names = store.parameters.map { LightningCheckpoint.modelPrefix + $0.name }
        let weights = try weights(of: checkpoint)
        let adam = checkpoint.optimizers.first
        let parameterIndices = try adam.map { try savedIndices(of: $0, in: checkpoint) } ?? [:]
        let indices = names.map { parameterIndices[$0] ?? -1 }
        for (index, parameter) in zip(indices, store.parameters) {
            guard parameter.isTrainable, let moments = adam?.moments[index] else { continue }
            guard moments.expAvg.shape == parameter.shape else {
                throw CheckpointError.shape(
                    path: checkpoint.path, tensor: "optimizer_states.0.state.\(index).exp_avg",
                    expected: parameter.shape, got: moments.expAvg.shape)
            }
        }
        for (parameter, name) in zip(store.parameters, names) {
            if let weight = weights[name] { backend.upload(weight, to: parameter.value) }
        }
        for (index, parameter) in zip(indices, store.parameters) where parameter.isTrainable {
            guard let moments = adam?.moments[index] else { continue }
            optimizer.load(
                expAvg: moments.expAvg.floats(), expAvgSq: moments.expAvgSq.floats(), of: parameter)
            optimizer.step = moments.step
        }
        for bottleneck in countingBottlenecks {
            let usage = checkpoint.trainer?.tensors[usageName(bottleneck)]?.floats()
            if let usage, usage.count == bottleneck.usage.count { bottleneck.usage = usage }
        }
    }

    /// What a saved optimiser calls the parameters: the indices of its groups stand for ours in their order, as in
    /// PyTorch.
    private func savedIndices(
        of adam: AdamWState, in checkpoint: LightningCheckpoint
    ) throws(CheckpointError) -> [String: Int] {
        let groups = checkpoint.parameterGroups(undecayed: optimizer.options.undecayed)
        let expected = groups.map(\.count), got = adam.groups.map(\.params.count)
        // A single group may list parameters that are not in the file, behind ours.
        guard groups.count == got.count, groups.count == 1 || expected == got else {
            throw .parameterGroups(path: checkpoint.path, expected: expected, got: got)
        }
        let indices = expected == got ? adam.groups.flatMap(\.params) : Array(0..<expected[0])
        return Dictionary(zip(groups.joined(), indices), uniquingKeysWith: { first, _ in first })
    }

    /// Restores the weights alone.
    ///
    /// - Throws: `CheckpointError`. Weights that do not fit change nothing.
    package func restoreWeights(_ checkpoint: LightningCheckpoint) throws {
        let weights = try weights(of: checkpoint)
        for parameter in store.parameters {
            if let weight = weights[LightningCheckpoint.modelPrefix + parameter.name] {
                backend.upload(weight, to: parameter.value)
            }
        }
    }

    func weights(of checkpoint: LightningCheckpoint) throws -> OrderedDictionary<String, StoredTensor> {
        try checkpoint.tensors(
            matching: OrderedDictionary(
                uniqueKeysWithValues: store.parameters.map { (LightningCheckpoint.modelPrefix + $0.name, $0.shape) }))
    }

    /// A digest of all weights' bits, which tells models apart.
    package var weightsDigest: String {
        var hash: UInt64 = 0
        for parameter in store.parameters {
            let stage = backend.stage(parameter.value)
            let own = withExtendedLifetime(stage) { XXHash64.hash(UnsafeRawBufferPointer(stage.bytes)) }
            hash = (hash &* 0x9E37_79B9_7F4A_7C15) ^ own
        }
        return String(hash, radix: 16)
    }

    func stored(_ tensor: Tensor) -> StoredTensor {
        let stage = backend.stage(tensor)
        // SAFETY: the bytes of a tensor have an address, and stay there as long as the stage.
        return StoredTensor(
            elementType: .f32, shape: tensor.shape, owner: stage, pointer: UnsafeRawPointer(stage.bytes.baseAddress!))
    }
}
