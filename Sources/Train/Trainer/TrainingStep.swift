import Collectives
import LAM
import NN
import Randomness
import Tensor

/// What an optimiser step is made of: batches whose gradients add up, what the ranks tell each other of them, and the
/// update of the parameters.
///
/// For each step: `add` every batch and `take` it, then `restartCodes` where that is due. A run that goes on from nothing
/// calls `begin` before. The host waits for the step's numbers when the update, too, is on its way; or, with `launch` and
/// `settle` in the place of `take`, when the next step is.
package final class TrainingStep {
    private let module: LAMModule
    private let group: any ProcessGroup
    private let reducer: GradientReducer?
    private let replica: (any ReplicatedBackend)?
    private let device: (any DeferredBackend)?
    private let seed: UInt64
    private let clipNorm: Double?
    private let blockNorms: BlockNorms

    /// What the model read last.
    private(set) var lastBatch: EncodedBatch?
    /// Batches since the last optimiser step whose numbers are on their way, and the losses of all.
    private var awaited: [LAMModule.BatchRecord] = []
    private var losses: [Tensor] = []
    /// Those whose numbers have come, and what the quantisers had counted before them.
    private var pending: [BatchStatistics] = []
    private var codeUsesAtStep: [Double] = []
    private var activations = ActivationNorms()

    package init(_ run: TrainingRun) {
        (module, group, reducer, seed) = (run.module, run.group, run.reducer, run.seed)
        (replica, device) = (run.replica, run.device)
        clipNorm = run.configuration.trainer.gradientClipVal
        blockNorms = BlockNorms(run.module.store, part: run.module.model.family.part(ofParameter:))
    }

    /// Prepares the bottlenecks for the first batch of a run, some of which start from its latents.
    package func begin(_ batch: EncodedBatch) throws {
        var generator = RandomGenerator(seed: seed, purpose: "start of codes")
        let parts = module.model.latentParts
        var latents = [[Float]](repeating: [], count: parts.count)
        if parts.contains(where: \.bottleneck.beginsFromLatents) {
            let output = try module.validationStep(batch.input())
            for (place, part) in parts.enumerated() where part.bottleneck.beginsFromLatents {
                let own = module.backend.floats(output.latents[place].emb)
                latents[place] =
                    try group.allGather(own, sameCount: true, for: "start of codes").flatMap { $0 }
            }
        }
        for (part, own) in zip(parts, latents) {
            part.bottleneck.begin(latents: own, backend: module.backend, &generator)
        }
    }

    /// Forward and backward of one batch.
    ///
    /// - Parameters:
    ///   - step: optimiser steps taken before.
    ///   - isLast: whether the step's other batches have been added. Only the last one sends gradients.
    ///   - isObserved: whether the report of the step is to say what the blocks gave for this batch.
    /// - Returns: this rank's loss, but for the last batch and where nobody waits for it, and the continuous latents of its
    ///   pairs.
    package func add(
        _ batch: EncodedBatch, step: Int, isLast: Bool, isObserved: Bool
    ) throws -> (loss: Double?, latents: Tensor) {
        let batch = try sharingStates(batch)
        lastBatch = batch
        if isLast {
            reducer?.begin()
            // Rank 0 may have saved a checkpoint since, which the others have not.
            replica?.submit()
        }
        activations = ActivationNorms()
        let record = module.forwardAndBackward(
            batch.input(TrainingPass(step: step, seed: seed, samples: batch.samples)),
            gradients: isLast ? reducer : nil,
            observer: isObserved ? { [self] in observe($0, $1) } : nil,
            observesBranches: false)
        awaited.append(record)
        losses.append(record.output.loss)
        let latents = record.output.action.emb
        if isLast { return (nil, latents) }
        if let device {
            device.submit()
            return (nil, latents)
        }
        defer { awaited = [] }
        return (try count(awaited), latents)
    }

    /// The batch with the weights that its states and labels have among those of all ranks.
    private func sharingStates(_ batch: EncodedBatch) throws -> EncodedBatch {
        guard group.size > 1, batch.states != nil || batch.labels != nil else { return batch }
        let own = [batch.states?.knownCount, batch.labels?.knownCount].map { Double($0 ?? 0) }
        let known = try group.sum(own, for: "known states and labels").map { Int($0) }
        var batch = batch
        batch.states = batch.states?.shared(ranks: group.size, knownByAll: known[0], on: module.backend)
        batch.labels = batch.labels?.shared(ranks: group.size, knownByAll: known[1], on: module.backend)
        return batch
    }

    /// Waits for the numbers of batches, and counts them; returns the last one's loss.
    @discardableResult
    private func count(_ records: [LAMModule.BatchRecord]) throws -> Double? {
        var loss: Double?
        for record in records {
            let result = try record.result()
            if pending.isEmpty { codeUsesAtStep = module.codeUses }
            module.count(result)
            pending.append(result.statistics)
            loss = Double(result.loss)
        }
        return loss
    }

    private func observe(_ name: String, _ activation: Tensor) {
        guard let part = module.model.family.part(ofActivation: name) else { return }
        activations.add(part, activation, on: module.backend)
    }

    /// Norms of the gradients before clipping.
    package struct GradientNorms {
        package let whole: Double
        /// Those of the model's parts, where they were asked for.
        let parts: [(part: String, norm: Double)]
    }

    /// What an optimiser step has given.
    package struct Outcome {
        /// The same on all ranks.
        package let report: StepReport
        package let norms: GradientNorms

        /// Whether the parameters have changed: only where the losses and the norm are numbers.
        var isFinite: Bool { norms.whole.isFinite && report.batches.allSatisfy { $0.losses.total.isFinite } }
    }

    /// A step that is on its way.
    struct Launched {
        fileprivate let records: [LAMModule.BatchRecord]
        fileprivate var activations: ActivationNorms
        /// Waits for them.
        fileprivate let norms: () throws -> GradientNorms
    }

    /// Takes an optimiser step with the batches that were added, and waits until it is over.
    ///
    /// - Parameters: as of `launch` and `settle`.
    package func take(
        learningRate: Double, batches: Int, measuresParts: Bool, standing: () -> Standing
    ) throws -> Outcome {
        try settle(
            launch(learningRate: learningRate, batches: batches, measuresParts: measuresParts), standing: standing)
    }

    /// Begins an optimiser step with the batches that were added: waits for the sums of the gradients over the ranks; clips,
    /// applies and clears them. A step whose losses or gradients are not finite changes nothing.
    ///
    /// - Parameters:
    ///   - batches: that this rank has added.
    ///   - measuresParts: whether norms of the model's parts are wanted, which takes a pass over the gradients.
    func launch(learningRate: Double, batches: Int, measuresParts: Bool) throws -> Launched {
        let norms = try update(learningRate: learningRate, batches: batches, measuresParts: measuresParts)
        defer { (awaited, activations) = ([], ActivationNorms()) }
        return Launched(records: awaited, activations: activations, norms: norms)
    }

    /// Ends a step: waits for its numbers, of which the ranks tell each other, and makes the updates that bottlenecks make
    /// beside the optimiser. Steps are ended in their order.
    ///
    /// - Parameter standing: asked before the ranks tell each other.
    func settle(_ launched: Launched, standing: () -> Standing) throws -> Outcome {
        let report = try agree(launched, standing)
        let outcome = Outcome(report: report, norms: try launched.norms())
        if outcome.isFinite { try updateBottlenecks() } else { module.revertStep() }
        return outcome
    }

    /// What a rank tells the others besides its batches.
    package struct Standing {
        /// Since the run began.
        var skippedSamples = 0
        /// That asks this rank to end.
        var signal: Int32?
        /// Since the run began.
        var seconds = 0.0

        /// Of a rank that has nothing to tell.
        package static let quiet = Standing()
    }

    /// Returns what waits for the norms.
    private func update(learningRate: Double, batches: Int, measuresParts: Bool) throws -> () throws -> GradientNorms {
        try reducer?.finish()
        replica?.sumOverReplicas(module.store.gradients.range(0, module.store.trainableCount))
        let gradientScale = 1 / Float(batches * group.size)
        let parts = measuresParts ? try blockNorms(scale: Double(gradientScale), reducer: reducer) : { [] }
        let norm = module.optimizerStep(
            learningRate: Float(learningRate), gradientScale: gradientScale, squares: try reducer?.squares(),
            clipNorm: clipNorm, losses: losses)
        losses = []
        try reducer?.shareValues()
        let readback = module.backend.readback([norm])
        return { GradientNorms(whole: try readback.values()[0][0], parts: try parts()) }
    }

    /// Waits for the numbers of the step's batches, and tells the ranks of them.
    private func agree(_ launched: Launched, _ standing: () -> Standing) throws -> StepReport {
        try count(launched.records)
        var activations = launched.activations
        try activations.arrive()
        let uses = zip(module.codeUses, codeUsesAtStep).map { $0 - $1 }
        let standing = standing()
        let report = try StepReport(
            batches: pending, codeUses: uses, activations: activations, skippedSamples: standing.skippedSamples,
            signal: standing.signal ?? 0, seconds: standing.seconds
        ).reduced(over: group)
        pending = []
        module.codeUses = zip(codeUsesAtStep, report.codeUses).map { $0 + $1 }
        return report
    }

    /// Makes the updates that bottlenecks make beside the optimiser, from the samples of all ranks.
    private func updateBottlenecks() throws {
        try module.updateBottlenecks { own in
            guard group.size > 1 else { return own }
            let all = try group.allGather(
                module.backend.floats(own), sameCount: true, for: "sums of latents")
            let sums = all.dropFirst().reduce(all[0]) { zip($0, $1).map { $0 + $1 } }
            return module.backend.tensor(sums, own.shape)
        }
    }

    /// Gives unused codes new places.
    ///
    /// - Parameters:
    ///   - latents: of this rank's last batch; nil for rules that take other codes. Those of all ranks in their order are those
    ///     of one process with the global batch.
    ///   - step: optimiser steps taken.
    /// - Returns: the restarted codes.
    func restartCodes(_ rule: CodeRestart, latents: Tensor?, step: Int) throws -> [Int] {
        let bottlenecks = module.model.latentParts.map(\.bottleneck)
        guard !bottlenecks[0].usage.isEmpty else { return [] }
        var generator = RandomGenerator(seed: seed, purpose: "restart", step)
        let own = latents.map(module.backend.floats) ?? []
        let all =
            latents == nil ? [] : try group.allGather(own, sameCount: true, for: "restart of codes").flatMap { $0 }
        let restarted = bottlenecks[0].restartDeadCodes(
            rule, latents: all, optimizer: module.optimizer, backend: module.backend, &generator)
        // All records cover the same steps, though no frozen code restarts.
        for frozen in bottlenecks.dropFirst() { frozen.resetUsage() }
        return restarted
    }
}
