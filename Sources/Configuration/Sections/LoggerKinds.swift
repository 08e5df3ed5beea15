extension LoggerList {
    /// The loggers that there are. To add one: its settings below with an entry here, and a file in `Sources/Loggers` that opens
    /// it (`OpenableLogger`).
    public static let kinds: [any LoggerConfiguration.Type] = [
        TensorBoardLoggerConfiguration.self, CSVLoggerConfiguration.self, WandbLoggerConfiguration.self,
        MLFlowLoggerConfiguration.self, TrackioLoggerConfiguration.self,
    ]
}

/// Lightning's `TensorBoardLogger`: event files under `save_dir/name/version_N`.
public struct TensorBoardLoggerConfiguration: LoggerConfiguration, IgnoresOptions, TakesNullForDefault {
    public static let classPath = "lightning.pytorch.loggers.TensorBoardLogger"

    public var saveDir: String?
    public var name: String? = "lightning_logs"
    public var version: String?
    public var subDir: String?
    public var prefix = ""
    public var defaultHpMetric = true

    public init() {}

    public static let options: [ConfigOption<TensorBoardLoggerConfiguration>] = [
        .path("save_dir", \.saveDir, "Folder of all runs; null: `trainer.default_root_dir`."),
        .init("name", \.name, "Folder of this experiment; null or empty: none."),
        .init(
            "version", \.version,
            "Folder of this run: a number N for `version_N`, or a name; null: the next free number."),
        .init("sub_dir", \.subDir, "Folder of the event file inside the run's; null: none."),
        .init("prefix", \.prefix, "Put before each tag, with a `-` between them."),
        .init(
            "default_hp_metric", \.defaultHpMetric, "Write `hp_metric` = -1 at the start, as TensorBoard's table wants."
        ),
    ]

    static let ignored = [
        IgnoredOption("log_graph", silent: [.bool(false)], "the model has no TorchScript graph"),
        IgnoredOption("max_queue", silent: [.int(10)], "every value is written at once"),
        IgnoredOption("flush_secs", silent: [.int(120)], "every value is written at once"),
        IgnoredOption("purge_step", "event files are only ever appended to"),
        IgnoredOption("comment", silent: [.string("")], "folders are named by save_dir, name and version"),
        IgnoredOption("filename_suffix", silent: [.string("")], "event files have TensorBoard's own names"),
    ]
}

/// Lightning's `CSVLogger`: `metrics.csv` and `hparams.yaml` under `save_dir/name/version_N`.
public struct CSVLoggerConfiguration: LoggerConfiguration, IgnoresOptions, TakesNullForDefault {
    public static let classPath = "lightning.pytorch.loggers.CSVLogger"

    public var saveDir: String?
    public var name: String? = "lightning_logs"
    public var version: String?
    public var prefix = ""

    public init() {}

    public static let options: [ConfigOption<CSVLoggerConfiguration>] = [
        .path("save_dir", \.saveDir, "Folder of all runs; null: `trainer.default_root_dir`."),
        .init("name", \.name, "Folder of this experiment; null or empty: none."),
        .init(
            "version", \.version,
            "Folder of this run: a number N for `version_N`, or a name; null: the next free number."),
        .init("prefix", \.prefix, "Put before each column's name, with a `-` between them."),
    ]

    static let ignored = [
        IgnoredOption("flush_logs_every_n_steps", silent: [.int(100)], "every row is written at once")
    ]
}

/// Lightning's `WandbLogger`: an offline run of Weights & Biases under `save_dir/wandb`, which `wandb sync` uploads.
public struct WandbLoggerConfiguration: LoggerConfiguration, IgnoresOptions, TakesNullForDefault {
    public static let classPath = "lightning.pytorch.loggers.WandbLogger"

    public var saveDir: String?
    public var name: String?
    public var version: String?
    public var project = "lightning_logs"
    public var entity: String?
    public var group: String?
    public var jobType: String?
    public var notes: String?
    public var tags: [String] = []
    public var prefix = ""

    public init() {}

    public static let options: [ConfigOption<WandbLoggerConfiguration>] = [
        .path(
            "save_dir", \.saveDir, aliases: ["dir"], "Folder that gets `wandb`; null: `trainer.default_root_dir`."),
        .init("name", \.name, "The run's name; null: the server gives one."),
        .init(
            "version", \.version, aliases: ["id"], .ifPresent(.wandbID), "The run's id; null: eight drawn characters."),
        .init("project", \.project, "The project that the run belongs to."),
        .init("entity", \.entity, "The user or team that the project belongs to; null: who runs `wandb sync`."),
        .init("group", \.group, "The group of runs that this one is shown in; null: none."),
        .init("job_type", \.jobType, "What kind of run it is, in a group; null: none."),
        .init("notes", \.notes, "A remark on the run; null: none."),
        .init("tags", \.tags, "Words to find the run by."),
        .init("prefix", \.prefix, "Put before each value's name, with a `-` between them."),
    ]

    static let ignored = [
        IgnoredOption("offline", silent: [.bool(true)], "the run is written offline; wandb sync uploads it"),
        IgnoredOption("log_model", silent: [.bool(false)], "checkpoints stay on disk"),
        IgnoredOption("anonymous", silent: [.bool(false)], "wandb sync decides who uploads"),
        IgnoredOption("experiment", "the run is made by this program"),
        IgnoredOption("checkpoint_name", "checkpoints stay on disk"),
        IgnoredOption("add_file_policy", silent: [.string("mutable")], "files are written once"),
    ]
}

extension ValueRule<String> {
    /// An id is part of a file's name and of an address.
    fileprivate static let wandbID = Self(
        expected: "1 to 128 letters, digits, - or _", typeDescription: "letters, digits, - and _"
    ) { text in
        (1...128).contains(text.utf8.count)
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
    }

    /// A store in files.
    fileprivate static let fileStore = Self(expected: "file:PATH", typeDescription: "`file:PATH`") {
        $0.hasPrefix("file:") && $0.count > "file:".count
    }
}

/// Lightning's `MLFlowLogger`: a run in MLflow's file store.
public struct MLFlowLoggerConfiguration: LoggerConfiguration, IgnoresOptions, TakesNullForDefault {
    public static let classPath = "lightning.pytorch.loggers.MLFlowLogger"

    public var experimentName = "lightning_logs"
    public var runName: String?
    public var trackingURI: String?
    public var saveDir: String?
    public var prefix = ""

    public init() {}

    public static let options: [ConfigOption<MLFlowLoggerConfiguration>] = [
        .init("experiment_name", \.experimentName, "The experiment that the run belongs to; made where there is none."),
        .init("run_name", \.runName, "The run's name; null: its id."),
        .init(
            "tracking_uri", \.trackingURI, .ifPresent(.fileStore),
            "The store, `file:PATH`; null: `save_dir`. Servers are not spoken to."),
        .path("save_dir", \.saveDir, "Folder of the store; null: `mlruns` below `trainer.default_root_dir`."),
        .init("prefix", \.prefix, "Put before each value's name, with a `-` between them."),
    ]

    static let ignored = [
        IgnoredOption("tags", "set them with MLflow"),
        IgnoredOption("log_model", silent: [.bool(false)], "checkpoints stay on disk"),
        IgnoredOption("artifact_location", "artifacts lie in the run's folder"),
        IgnoredOption("run_id", "a run is always a new one"),
        IgnoredOption("synchronous", silent: [.bool(true)], "every value is written at once"),
    ]
}

/// A run in Trackio's local store, as JSON lines that its dashboard takes in.
public struct TrackioLoggerConfiguration: LoggerConfiguration, TakesNullForDefault {
    public static let classPath = "trackio.TrackioLogger"

    public var project = "lightning_logs"
    public var name: String?
    public var group: String?
    public var storeDir: String?
    public var prefix = ""

    public init() {}

    public static let options: [ConfigOption<TrackioLoggerConfiguration>] = [
        .init("project", \.project, "The project that the run belongs to."),
        .init("name", \.name, "The run's name; null: the time of its start."),
        .init("group", \.group, "The group of runs that this one is shown in; null: none."),
        .path(
            "store_dir", \.storeDir, "Trackio's folder; null: `TRACKIO_DIR`, else `trackio` below `HF_HOME`."),
        .init("prefix", \.prefix, "Put before each value's name, with a `-` between them."),
    ]
}
