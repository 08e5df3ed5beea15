/// `trainer.callbacks`: the callbacks that this build has, in the order of the file.
public struct CallbackList: ConfigRepresentable {
    public enum Callback: Sendable, Equatable {
        case modelCheckpoint(ModelCheckpointConfiguration)
        case learningRateMonitor(LearningRateMonitorConfiguration)
        case earlyStopping(EarlyStoppingConfiguration)
        case emaWeightAveraging(EMAWeightAveragingConfiguration)
        case gradientAccumulation(GradientAccumulationConfiguration)
        case timer(TimerConfiguration)

        /// The class and the reader of each.
        fileprivate static let kinds: [(classPath: String, read: Reader)] = [
            kind(Callback.modelCheckpoint), kind(Callback.learningRateMonitor), kind(Callback.earlyStopping),
            kind(Callback.emaWeightAveraging), kind(Callback.gradientAccumulation), kind(Callback.timer),
        ]

        fileprivate typealias Reader = @Sendable (ConfigNode, String, inout ConfigContext) throws -> Callback

        private static func kind<Configuration: ConfigClass>(
            _ make: @escaping @Sendable (Configuration) -> Callback
        ) -> (classPath: String, read: Reader) {
            (
                Configuration.classPath,
                { make(try Configuration(decoding: $0, at: $1, in: &$2)) }
            )
        }

        fileprivate var configValue: ConfigValue {
            switch self {
            case .modelCheckpoint(let configuration): configuration.configValue
            case .learningRateMonitor(let configuration): configuration.configValue
            case .earlyStopping(let configuration): configuration.configValue
            case .emaWeightAveraging(let configuration): configuration.configValue
            case .gradientAccumulation(let configuration): configuration.configValue
            case .timer(let configuration): configuration.configValue
            }
        }
    }

    public var callbacks: [Callback] = []

    public init(_ callbacks: [Callback] = []) { self.callbacks = callbacks }

    /// The checkpoint callbacks among them.
    public var checkpoints: [ModelCheckpointConfiguration] {
        callbacks.compactMap { if case .modelCheckpoint(let checkpoint) = $0 { checkpoint } else { nil } }
    }

    /// The early-stopping callbacks among them.
    public var earlyStoppings: [EarlyStoppingConfiguration] {
        callbacks.compactMap { if case .earlyStopping(let stopping) = $0 { stopping } else { nil } }
    }

    /// The callback that averages the weights, of which there is at most one.
    public var weightAveraging: EMAWeightAveragingConfiguration? {
        callbacks.lazy.compactMap { if case .emaWeightAveraging(let averaging) = $0 { averaging } else { nil } }.first
    }

    public static var typeDescription: String { "list of class objects" }

    public static var nestedOptions: [OptionDocumentation] {
        ModelCheckpointConfiguration.nestedOptions.map { $0.nested(in: "ModelCheckpoint") }
            + LearningRateMonitorConfiguration.nestedOptions.map { $0.nested(in: "LearningRateMonitor") }
            + EarlyStoppingConfiguration.nestedOptions.map { $0.nested(in: "EarlyStopping") }
            + EMAWeightAveragingConfiguration.nestedOptions.map { $0.nested(in: "EMAWeightAveraging") }
            + GradientAccumulationConfiguration.nestedOptions.map { $0.nested(in: "GradientAccumulationScheduler") }
            + TimerConfiguration.nestedOptions.map { $0.nested(in: "Timer") }
    }

    /// Callbacks of Lightning that only concern its own display or have no counterpart are left out with a notice; those
    /// that would change what is learnt are refused.
    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        for (itemPath, item) in node.objects(at: path) {
            let object = try ClassObject(item, at: itemPath)
            guard let name = object.className else {
                throw item.invalid(itemPath, expected: "an object with a class_path")
            }
            context.locations[itemPath] = item.location
            if let kind = Callback.kinds.first(where: { ClassObject.name(name, means: $0.classPath) }) {
                let callback = try kind.read(item, itemPath, &context)
                if case .emaWeightAveraging = callback, weightAveraging != nil {
                    throw ConfigurationError.conflict(
                        path: itemPath, at: object.classLocation, problem: "a second EMAWeightAveraging",
                        remedy: "keep one")
                }
                callbacks.append(callback)
            } else if let refused = object.lightningClass(in: "callbacks", of: Self.refused.keys) {
                throw ConfigurationError.unavailable(
                    path: itemPath, at: object.classLocation, got: name,
                    remedy: Self.refused[refused] ?? "remove it")
            } else if object.lightningClass(in: "callbacks", of: Self.withoutEffect) != nil {
                context.note(itemPath, name, "not in this build; the run goes on without it")
            } else if name.split(separator: ".").last == "SaveConfigToCheckpointCallback" {
                // LaWAM's own.
                context.note(itemPath, name, "checkpoints always have the configuration")
            } else {
                throw ConfigurationError.unknownClass(
                    path: itemPath, at: object.classLocation, got: name, known: Callback.kinds.map(\.classPath))
            }
        }
    }

    public var configValue: ConfigValue { .list(callbacks.map(\.configValue)) }

    /// Lightning's callbacks that only watch or show.
    private static let withoutEffect = [
        "DeviceStatsMonitor", "GPUStatsMonitor", "LambdaCallback", "ModelSummary", "OnExceptionCheckpoint",
        "ProgressBar", "RichModelSummary", "RichProgressBar", "ThroughputMonitor", "TQDMProgressBar",
        "XLAStatsMonitor",
    ]

    /// Callbacks of Lightning that change what is learnt and are refused, each with what to do instead.
    private static let refused = [
        "BackboneFinetuning": "remove it: encoders stay frozen",
        "BatchSizeFinder": "remove it and set data.batch_size",
        "LearningRateFinder": "remove it and set model.optimizer.lr",
        "ModelPruning": "remove it", "QuantizationAwareTraining": "remove it",
        "StochasticWeightAveraging": "use lightning.pytorch.callbacks.EMAWeightAveraging",
        "WeightAveraging": "use lightning.pytorch.callbacks.EMAWeightAveraging",
    ]
}

extension ConfigNode {
    /// The items of a list with their paths; a single object counts as a list of one, null as none.
    func objects(at path: String) -> [(path: String, node: ConfigNode)] {
        if yaml.isNull { return [] }
        guard case .sequence(let items) = yaml.content else { return [(path, self)] }
        return items.enumerated().map { ("\(path)[\($0)]", ConfigNode($1)) }
    }
}
