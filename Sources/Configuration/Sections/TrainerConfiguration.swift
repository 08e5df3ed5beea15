import Collectives

/// `trainer`: the loop, in the vocabulary of Lightning's `Trainer`. Each property is the option of the same name in
/// `options`, which documents it.
public struct TrainerConfiguration: ConfigSection {
    public var maxEpochs: Int?
    public var maxSteps = -1
    public var maxTime: TimeLimit?
    public var accelerator = AcceleratorName.auto
    public var numNodes = 1
    public var devices = DeviceCount.auto
    public var strategy = StrategyName()
    public var precision = Precision.full32
    public var logEveryNSteps = 50
    public var healthEveryNSteps = 500
    public var gradientClipVal: Double?
    public var gradientClipAlgorithm = GradientClipAlgorithm.norm
    public var accumulateGradBatches = 1
    public var limitTrainBatches = BatchLimit.fraction(1)
    public var limitValBatches = BatchLimit.fraction(1)
    public var limitTestBatches = BatchLimit.fraction(1)
    public var valCheckInterval = BatchLimit.fraction(1)
    public var checkValEveryNEpoch: Int? = 1
    public var numSanityValSteps = 2
    public var enableProgressBar = true
    public var enableCheckpointing = true
    public var fastDevRun = FastDevRun(batches: 0)
    public var callbacks: CallbackList = CallbackList()
    public var logger = LoggerList()
    public var defaultRootDir: String?
    public var activationCheckpointing = false
    public var numThreads: Int?
    public var gradientWire = WireFormat.f32
    public var gradientBucketMiB = 25.0
    public var timeout = 1800.0

    public init() {}

    /// Whether each rank keeps the optimiser's state of its share of the parameters only.
    public var shardsOptimizer: Bool { strategy.name == "ddp_sharded" }

    /// The checkpoint callbacks that a run has: the configured ones, or Lightning's default one where there is none.
    public var checkpoints: [ModelCheckpointConfiguration] {
        guard enableCheckpointing, !fastDevRun.isOn else { return [] }
        return callbacks.checkpoints.isEmpty ? [ModelCheckpointConfiguration()] : callbacks.checkpoints
    }

    /// The loggers that a run has.
    public var loggers: [any LoggerConfiguration] { fastDevRun.isOn ? [] : logger.loggers }
}
