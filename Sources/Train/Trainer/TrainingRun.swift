import Checkpoints
import Collectives
import Configuration
import Formats
import LAM
import LAMData
import Loggers
import NN
import Tensor

/// Everything a training run is made of, built from its configuration.
public final class TrainingRun {
    /// What a checkpoint says of the run that it belongs to.
    struct Resumed {
        let progress: TrainingProgress
        let callbacks: [ModelCheckpointState]
        let earlyStoppings: [EarlyStoppingState]
    }

    let configuration: LAMConfiguration
    /// Seed of everything random outside the data stream.
    let seed: UInt64
    let group: any ProcessGroup
    /// Adds the gradients of several ranks up; nil of a single process, and of ranks whose devices do so.
    let reducer: GradientReducer?
    /// The device of a rank that steps together with those of all others; nil where there is one alone.
    let replica: (any ReplicatedBackend)?
    /// The device, where it computes a step while the host prepares the next one; nil where the host has to wait for it.
    let device: (any DeferredBackend)?
    package let module: LAMModule
    let averaging: WeightAveraging?
    let encoders: FrozenEncoders
    package let batchEncoder: BatchEncoder
    package let stream: FramePairStream
    let checkpoints: [ModelCheckpoint]
    let logger: LoggerGroup
    let resumed: Resumed?
    /// Pairs of the held-out split; 0 where there is none.
    package let heldOutPairs: Int
    let sources: [StreamSource]
    let features: FeatureCache?
    /// Why there is no step left to take, where a run is to go on that has reached its end.
    public let nothingToDo: String?

    /// - Parameters:
    ///   - checkpointRequest: `last`, `best` or a path to go on from.
    ///   - randomSeed: used where `seed_everything` leaves the seed to chance.
    ///   - environment: the process's variables, which say where pretrained weights and the hub are.
    ///   - group: the processes of the run, each of which builds these parts.
    ///   - threads: compute threads where the configuration names none; nil for the CPUs that the process may use.
    ///   - backend: the device, where it is open already. One of several has all of them step together, each on a rank.
    ///   - isCancelled: ends a wait for the hub; asked from any thread.
    ///   - announce: takes lines for the user from any thread.
    ///   - note: takes lines for the user.
    /// - Throws: errors of the datasets, the stream, the encoders, the checkpoint and the log folder.
    public init(
        _ configuration: LAMConfiguration, checkpointRequest: String?, randomSeed: UInt64,
        environment: [String: String], group: any ProcessGroup = SingleProcess(), threads: Int?,
        backend: (any Backend)? = nil, isCancelled: @escaping @Sendable () -> Bool = { false },
        announce: (@Sendable (String) -> Void)? = nil,
        note: (String) -> Void
    ) throws {
        self.configuration = configuration
        self.group = group
        let trainer = configuration.trainer
        let assembly = try RunAssembly(
            configuration, checkpointRequest: checkpointRequest, environment: environment, isCancelled: isCancelled,
            threads: threads, backend: backend, announce: announce, note: note)
        let checkpoint = assembly.checkpoint
        sources = assembly.sources
        encoders = assembly.encoders
        switch configuration.seedEverything {
        case .fixed(let fixed): seed = UInt64(fixed)
        case .drawn: seed = checkpoint?.seed ?? randomSeed
        }
        let sharding = { (store: ParameterStore) in
            GradientReducer.ownedRanges(
                of: store, bucketMiB: trainer.gradientBucketMiB, rank: group.rank, size: group.size)
        }
        replica = (assembly.backend as? any ReplicatedBackend).flatMap { $0.replicaCount > 1 ? $0 : nil }
        let sendsGradients = group.size > 1 && replica == nil
        module = try assembly.module(
            seed: seed, sharding: sendsGradients && trainer.shardsOptimizer ? sharding : nil, note: note)
        module.checkpointsActivations = trainer.activationCheckpointing
        reducer =
            sendsGradients
            ? GradientReducer(
                module.store, group: group, wire: trainer.gradientWire, bucketMiB: trainer.gradientBucketMiB,
                isSharded: trainer.shardsOptimizer) : nil
        device = sendsGradients || module.updatesBottlenecks ? nil : assembly.backend as? any DeferredBackend
        if let line = assembly.precisionAdvice { note(line) }

        averaging = trainer.callbacks.weightAveraging.map { [module] in WeightAveraging($0, of: module) }
        var streamState: StreamState?
        if let checkpoint {
            try module.restore(averaging == nil ? checkpoint : checkpoint.withCurrentModel)
            try averaging?.restore(checkpoint)
            streamState = try checkpoint.streamState()
            resumed = Resumed(
                progress: try checkpoint.trainingProgress(), callbacks: try checkpoint.modelCheckpoints(),
                earlyStoppings: try checkpoint.earlyStoppings())
            note("resumed from \(checkpoint.path) at step \(checkpoint.globalStep)")
            if averaging != nil, checkpoint.averaging == nil {
                note("the checkpoint has no averaged weights: averaging starts anew")
            } else if averaging == nil, let averaging = checkpoint.averaging, averaging.updates > 0 {
                note(
                    "the checkpoint's weights are averaged, and without EMAWeightAveraging the run goes on from them, as "
                        + "in Lightning")
            }
            if streamState == nil { note("the checkpoint has no data position: the stream starts from its beginning") }
        } else {
            resumed = nil
        }
        features = try FeatureCache.open(for: configuration, encoder: encoders.vision, sources: sources)
        for line in features?.notes ?? [] { note(line) }
        let states = try RobotStateReader(assembly.datasets, configuration.model, on: assembly.backend)
        if let line = states?.note { note(line) }
        batchEncoder = BatchEncoder(
            encoders, on: assembly.backend, cache: features, states: states,
            labels: try PairLabelReader(
                assembly.datasets, configuration.model, seed: seed, on: assembly.backend))
        let options = configuration.data.stream(for: configuration.model)
        stream = try FramePairStream(
            sources: sources, options, split: .train, rank: group.rank, worldSize: group.size,
            restoring: streamState, features: features)
        // A split without pairs is told now, and not after the first epoch.
        heldOutPairs =
            options.valFraction > 0 ? try FramePairStream.order(sources: sources, options, split: .val).count : 0
        let limits = RunLimits(
            trainer, framesInMix: stream.framesInMix, batchSize: options.batchSize * group.size,
            hasValidation: options.valFraction > 0)
        nothingToDo = resumed.flatMap { limits.reason(toEndAt: $0.progress) }.map {
            "nothing to do: \(checkpoint?.path ?? "the checkpoint"): \($0); raise that to go on"
        }
        // Nothing is created on disk before everything above has succeeded.
        logger =
            group.isRoot && nothingToDo == nil
            ? try LoggerGroup.open(for: configuration, environment: environment) : LoggerGroup([])
        let directory = logger.directory.isEmpty ? trainer.defaultRootDir ?? "." : logger.directory
        checkpoints = trainer.checkpoints.map { ModelCheckpoint($0, defaultDirectory: directory + "/checkpoints") }
    }

    package var streamOptions: StreamOptions { configuration.data.stream(for: configuration.model) }

    /// Samples of a batch over all ranks.
    package var globalBatch: Int { streamOptions.batchSize * group.size }

    package var hasValidation: Bool { streamOptions.valFraction > 0 }

    /// Every value that `monitor` may name, logged already or not.
    var knownMetrics: [String] {
        MetricTag.tags(of: module.model, .train) + (hasValidation ? MetricTag.tags(of: module.model, .val) : [])
    }

    /// The learning rate of an optimiser step, from 0, of `total` in the run.
    package func learningRate(atStep step: Int, of total: Int?) -> Double {
        let model = configuration.model
        return model.optimizer.lr * model.learningRateSchedule.factor(atStep: step, of: total, lr: model.optimizer.lr)
    }

    /// Makes sure before the first step that all ranks start from the same.
    func requireSameStart(step: Int) throws {
        guard group.size > 1 else { return }
        try group.requireSame(configuration.yaml(), what: "configuration")
        try group.requireSame("\(seed), step \(step), sample \(stream.state.position)", what: "start")
        try group.requireSame(stream.fingerprint, what: "datasets")
        try requireSameParameters()
    }

    /// - Throws: `CollectiveError.differs` if the ranks' parameters are not the same bits.
    func requireSameParameters() throws {
        let stage = module.backend.stage(module.store.values)
        let digest = withExtendedLifetime(stage) { XXHash64.hash(UnsafeRawBufferPointer(stage.bytes)) }
        try group.requireSame(String(digest, radix: 16), what: "parameters")
    }
}
