import DataCore

/// The settings of a logger: a class object in `trainer.logger`.
public protocol LoggerConfiguration: ConfigClass {}

/// `trainer.logger`: the loggers of a run.
public struct LoggerList: ConfigRepresentable {
    public var loggers: [any LoggerConfiguration]

    /// Lightning's default: one logger under `lightning_logs`.
    public init(_ loggers: [any LoggerConfiguration] = [TensorBoardLoggerConfiguration()]) { self.loggers = loggers }

    /// The loggers of TensorBoard among them.
    public var tensorBoards: [TensorBoardLoggerConfiguration] {
        loggers.compactMap { $0 as? TensorBoardLoggerConfiguration }
    }

    public static func == (left: LoggerList, right: LoggerList) -> Bool { left.configValue == right.configValue }

    public static var typeDescription: String { "boolean, or list of class objects" }

    public static var nestedOptions: [OptionDocumentation] {
        kinds.flatMap { kind in kind.nestedOptions.map { $0.nested(in: bareName(of: kind)) } }
    }

    /// Loggers that write elsewhere than to files of a known kind are left out with a notice; a list of nothing else means
    /// the default logger, so that no run goes unrecorded that asked for a record.
    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        if case .bool(let isOn) = node.value {
            self.init(isOn ? [TensorBoardLoggerConfiguration()] : [])
            return
        }
        let items = node.objects(at: path)
        var list: [any LoggerConfiguration] = []
        for (itemPath, item) in items {
            let object = try ClassObject(item, at: itemPath)
            guard let name = object.className else {
                throw item.invalid(itemPath, expected: "an object with a class_path")
            }
            context.locations[itemPath] = item.location
            if let kind = Self.kinds.first(where: { ClassObject.name(name, means: $0.classPath) }) {
                list.append(try kind.init(decoding: item, at: itemPath, in: &context))
            } else if object.lightningClass(in: "loggers", of: Self.foreign) != nil {
                context.note(itemPath, name, "not in this build; values go to TensorBoard files and metrics.jsonl")
            } else {
                let names = Self.kinds.map(Self.bareName)
                let bare = name.split(separator: ".").last.map(String.init) ?? name
                throw ConfigurationError.unknownName(
                    path: itemPath, at: object.classLocation, got: name, known: names,
                    nearest: NearestName.find(bare, in: names))
            }
        }
        let isExplicitlyEmpty = items.isEmpty && !node.yaml.isNull
        self.init(list.isEmpty && !isExplicitlyEmpty ? [TensorBoardLoggerConfiguration()] : list)
    }

    public var configValue: ConfigValue { loggers.isEmpty ? .bool(false) : .list(loggers.map(\.configValue)) }

    private static func bareName(of kind: any LoggerConfiguration.Type) -> String {
        kind.classPath.split(separator: ".").last.map(String.init) ?? kind.classPath
    }

    /// Loggers of Lightning that only their makers' servers read.
    private static let foreign = ["CometLogger", "NeptuneLogger", "LitLogger"]
}
