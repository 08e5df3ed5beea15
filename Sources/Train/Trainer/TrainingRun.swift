import Collectives
import Configuration
import Formats
import LAM
import LAMData
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
    /// Adds the gradients of several ranks up; nil of a single process.
    let reducer: GradientReducer?
    let module: LAMModule
    let averaging: WeightAveraging?
    let encoders: FrozenEncoders
    let batchEncoder: BatchEncoder
    let stream: FramePairStream
    let checkpoints: [ModelCheckpoint]
    let logger: LoggerGroup
    let resumed: Resumed?
    let sources: [StreamSource]
    let features: FeatureCache?

    /// - Parameters:
    ///   - checkpointRequest: `last`, `best` or a path to go on from.
    ///   - randomSeed: used where `seed_everything` leaves the seed to chance.
    ///   - environment: the process's variables, which say where pretrained weights and the hub are.
    ///   - group: the processes of the run, each of which builds these parts.
    ///   - threads: compute threads where the configuration names none; nil for the CPUs that the process may use.
    ///   - isCancelled: ends a wait for the hub; asked from any thread.
    ///   - announce: takes lines for the user from any thread.
    ///   - note: takes lines for the user.
    /// - Throws: errors of the datasets, the stream, the encoders, the checkpoint and the log folder.
    public init(
        _ configuration: LAMConfiguration, checkpointRequest: String?, randomSeed: UInt64,
        environment: [String: String], group: any ProcessGroup = SingleProcess(), threads: Int?,
        isCancelled: @escaping @Sendable () -> Bool = { false }, announce: (@Sendable (String) -> Void)? = nil,
        note: (String) -> Void
    ) throws {
        self.configuration = configuration
        self.group = group
        let trainer = configuration.trainer
        let assembly = try RunAssembly(
            configuration, checkpointRequest: checkpointRequest, environment: environment, isCancelled: isCancelled,
            threads: threads, announce: announce, note: note)
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
        module = try assembly.module(
            seed: seed, sharding: group.size > 1 && trainer.shardsOptimizer ? sharding : nil, note: note)
        module.checkpointsActivations = trainer.activationCheckpointing
        reducer =
            group.size == 1
            ? nil
            : GradientReducer(
                module.store, group: group, wire: trainer.gradientWire, bucketMiB: trainer.gradientBucketMiB,
                isSharded: trainer.shardsOptimizer)
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
        batchEncoder = BatchEncoder(
            encoders, on: assembly.backend, cache: features,
            states: try RobotStateReader(assembly.datasets, configuration.model, on: assembly.backend))
        let options = configuration.data.stream(for: configuration.model)
        stream = try FramePairStream(
            sources: sources, options, split: .train, rank: group.rank, worldSize: group.size,
            restoring: streamState, features: features)
        // A split without pairs is told now, and not after the first epoch.
        if options.valFraction > 0 { _ = try FramePairStream.order(sources: sources, options, split: .val) }
        // Nothing is created on disk before everything above has succeeded.
        logger = group.isRoot ? try LoggerGroup.open(for: configuration) : LoggerGroup([])
        let directory = logger.directory.isEmpty ? trainer.defaultRootDir ?? "." : logger.directory
        checkpoints = trainer.checkpoints.map { ModelCheckpoint($0, defaultDirectory: directory + "/checkpoints") }
    }

    var streamOptions: StreamOptions { configuration.data.stream(for: configuration.model) }

    /// Samples of a batch over all ranks.
    var globalBatch: Int { streamOptions.batchSize * group.size }

    var hasValidation: Bool { streamOptions.valFraction > 0 }

    /// Every value that `monitor` may name, logged already or not.
    var knownMetrics: [String] {
        MetricTag.tags(of: module.model, .train) + (hasValidation ? MetricTag.tags(of: module.model, .val) : [])
    }

    /// The learning rate of an optimiser step, from 0, of `total` in the run.
    func learningRate(atStep step: Int, of total: Int?) -> Double {
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
