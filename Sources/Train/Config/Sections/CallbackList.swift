/// `trainer.callbacks`: the callbacks that this build has, in the order of the file.
public struct CallbackList: ConfigRepresentable {
    public enum Callback: Sendable, Equatable {
        case modelCheckpoint(ModelCheckpointConfiguration)
        case learningRateMonitor(LearningRateMonitorConfiguration)
        case earlyStopping(EarlyStoppingConfiguration)
        case emaWeightAveraging(EMAWeightAveragingConfiguration)
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
    }

    /// Callbacks of Lightning that only concern its own display or have no counterpart are left out with a notice.
    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        var list: [Callback] = []
        for (itemPath, item) in node.objects(at: path) {
            let object = try ClassObject(item, at: itemPath)
            guard let name = object.className else {
                throw item.invalid(itemPath, expected: "an object with a class_path")
            }
            context.locations[itemPath] = item.location
            if ClassObject.name(name, means: ModelCheckpointConfiguration.classPath) {
                list.append(.modelCheckpoint(try .init(decoding: item, at: itemPath, in: &context)))
            } else if ClassObject.name(name, means: LearningRateMonitorConfiguration.classPath) {
                list.append(.learningRateMonitor(try .init(decoding: item, at: itemPath, in: &context)))
            } else if ClassObject.name(name, means: EarlyStoppingConfiguration.classPath) {
                list.append(.earlyStopping(try .init(decoding: item, at: itemPath, in: &context)))
            } else if ClassObject.name(name, means: EMAWeightAveragingConfiguration.classPath) {
                guard !list.contains(where: { if case .emaWeightAveraging = $0 { true } else { false } }) else {
                    throw ConfigurationError.conflict(
                        path: itemPath, at: object.classLocation, problem: "a second EMAWeightAveraging",
                        remedy: "keep one")
                }
                list.append(.emaWeightAveraging(try .init(decoding: item, at: itemPath, in: &context)))
            } else if Self.isLightningClass(name) {
                context.note(itemPath, name, "not in this build; the run goes on without it")
            } else {
                throw ConfigurationError.unknownClass(
                    path: itemPath, at: object.classLocation, got: name,
                    known: [
                        ModelCheckpointConfiguration.classPath, LearningRateMonitorConfiguration.classPath,
                        EarlyStoppingConfiguration.classPath, EMAWeightAveragingConfiguration.classPath,
                    ])
            }
        }
        callbacks = list
    }

    public var configValue: ConfigValue {
        .list(
            callbacks.map {
                switch $0 {
                case .modelCheckpoint(let configuration): configuration.configValue
                case .learningRateMonitor(let configuration): configuration.configValue
                case .earlyStopping(let configuration): configuration.configValue
                case .emaWeightAveraging(let configuration): configuration.configValue
                }
            })
    }

    private static func isLightningClass(_ name: String) -> Bool {
        let known = [
            "BackboneFinetuning", "BatchSizeFinder", "DeviceStatsMonitor",
            "GradientAccumulationScheduler", "LambdaCallback", "LearningRateFinder", "ModelSummary", "RichModelSummary",
            "RichProgressBar",
            "StochasticWeightAveraging", "ThroughputMonitor", "Timer", "TQDMProgressBar", "WeightAveraging",
        ]
        return known.contains { ClassObject.name(name, means: "lightning.pytorch.callbacks." + $0) }
    }
}

extension ConfigNode {
    /// The items of a list with their paths; a single object counts as a list of one, null as none.
    func objects(at path: String) -> [(path: String, node: ConfigNode)] {
        if yaml.isNull { return [] }
        guard case .sequence(let items) = yaml.content else { return [(path, self)] }
        return items.enumerated().map { ("\(path)[\($0)]", ConfigNode($1)) }
    }
}
