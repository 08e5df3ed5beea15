import LAMData

/// `data`: the datasets, how frame pairs are drawn from them and how they are augmented.
public struct DataConfiguration: ConfigSection, IgnoresOptions {
    /// What the stream of frame pairs is made of; the home of all options but `data_mix`, with their defaults.
    public var stream = StreamOptions(datasetMix: [])
    /// The name of an RLDS mixture, which cannot be read here; see `LAMConfiguration.requireRunnable(locate:)`.
    public var dataMix: String?
    /// Folder of a `FeatureCache`.
    public var featureCache: String?
    /// Bound on that folder, in units of 2^30 bytes.
    public var featureCacheGiB = 100.0
    /// Seconds between the frames of a pair of robots' datasets, and of human video.
    public var frameSeconds: Double?
    public var humanFrameSeconds: Double?

    public init() {}

    // The bounds are those of `StreamOptions.validate()`, checked here so that messages name the place.
    public static let options: [ConfigOption<DataConfiguration>] = [
        .path(
            "root", \.stream.root, aliases: ["data_root", "data_root_dir"],
            "Folder below which the datasets of the mix lie, `~` is expanded; null: the current one."),
        .init(
            "dataset_mix", \.stream.datasetMix,
            "The datasets and their sampling weights: LeRobot folders, HDF5 files or folders of them, folders of videos or of "
                + "numbered pictures, or hub repositories as `org/name` or `org/name@revision`."
        ),
        .init(
            "revision", \.stream.revision,
            "Branch, tag or commit of hub datasets that name none; null: `main`, or the newest tag of a readable format.",
            differs: "New."),
        .init(
            "hub_cache_gib", \.stream.hubCacheGiB, .positive,
            "Bound in GiB on the files from the hub that are kept; those unused for longest go first.", differs: "New."),
        .init(
            "data_mix", \.dataMix, "Name of an RLDS mixture, as in UniVLA's files.",
            differs: "Parsed, but a run needs `dataset_mix` instead."),
        .init("batch_size", \.stream.batchSize, .from(1, to: 1_000_000), "Frame pairs per batch and process."),
        .init(
            "resolution", \.stream.resolution, .from(1, to: 8_192),
            "Side of a frame in pixels; a multiple of `model.lam_patch_size`."),
        .init("image_aug", \.stream.imageAug, "Random crop and colour jitter in training."),
        .init(
            "buffer_size", \.stream.bufferSize, aliases: ["shuffle_buffer_size"], .from(1, to: 1_000_000_000),
            "References in each dataset's shuffle buffer.", differs: "Costs little memory: no decoded frame is kept."),
        .init(
            "seed", \.stream.seed, "Seed of sampling order, windows and augmentation.",
            differs: "The original leaves windows and augmentation unseeded."),
        .init(
            "window", \.stream.window,
            "Frames that a pair spans: `auto` draws it per sample from the dataset's name or frame rate.",
            differs: "`original`: once per run, from the name only."),
        .rules(
            "window_seconds", \.stream.windowSeconds,
            "Seconds between the frames of a pair, above 0, up to 1000000, in place of `window`: the first entry whose key is in "
                + "the name wins.",
            differs: "New."),
        .init(
            "frame_dt_sec", \.frameSeconds, .ifPresent(.upToAMillion),
            "Seconds between the frames of a pair of every dataset that `window_seconds` does not name, in place of `window`; half "
                + "a frame is rounded to even.",
            differs: "New; LaWAM's, where it is 1.6."),
        .init(
            "human_frame_dt_sec", \.humanFrameSeconds, .ifPresent(.upToAMillion),
            "The same of datasets that `model.embodiment_ids` calls human video; null: as `frame_dt_sec`.",
            differs: "New; LaWAM's, where it is 0.4."),
        .init(
            "frames", \.stream.frames, .from(2, to: 8),
            "Frames of a training sample: a pair, or several that are a window apart, of whose steps each has latents of its own and "
                + "the encoder of family `two-stage` sees all that came before. Evaluations and labels are of pairs.",
            differs: "New; the original has pairs."),
        .init(
            "pad_at_end", \.stream.padAtEnd,
            "Pairs reaching over an episode's end: left out, or clamped to its last frame.",
            differs: "The original clamps, to the next episode's first frame in most files."),
        .init(
            "augment_pair", \.stream.augmentPair, "Whether both frames of a pair share one draw of the augmentation.",
            differs: "The original draws for each frame."),
        .init(
            "crop", \.stream.crop,
            "What the model sees of frames that are not square: a square that moves, `original`, or `lawam`: the middle, at most 4 "
                + "to 3, squeezed; in training a part of that, with LaWAM's weaker colours.",
            differs: "`original`: always the middle, and squeezed frames without augmentation."),
        .init(
            "dual_view_aug", \.stream.dualViewAug,
            "Family `lawam`: whether in training the decoder sees another draw of the augmentation than the encoder, so that "
                + "latents cannot carry what differs between draws.",
            differs: "New; LaWAM's."),
        .init(
            "augment_draws", \.stream.augmentDraws,
            "For how much a draw of the augmentation is: a pair, or the process's whole batch, as in LaWAM.",
            differs: "New."),
        .init(
            "val_fraction", \.stream.valFraction, aliases: ["val_tail_ratio"], .belowOne,
            "Share of each dataset's episodes held out for validation.", differs: "New; the original trains on all."),
        .rules(
            "image_keys", \.stream.imageKeys,
            "Cameras by dataset: the first entry whose key is in the `repo_id` wins; else the dataset's own rule. Of a list each "
                + "camera's pictures are samples of their own.",
            differs: "The original knows DROID's camera only."),
        .rules(
            "fps", \.stream.fps,
            "Frames per second, above 0, up to 1000000, of HDF5 datasets that do not tell, or not rightly; of plain videos and "
                + "pictures the rate at which "
                + "they are seen: the first entry whose key is in the name wins.",
            differs: "New."),
        .init(
            "split_at_cuts", \.stream.splitsAtCuts,
            "Makes every shot of a plain video an episode; each video is decoded once for this when it is opened.",
            differs: "New."),
        .rules(
            "episodes", \.stream.episodes,
            "Episodes to take, by part of a dataset's name: a list of numbers and ranges such as `[0, \"3:10\"]`, which ends "
                + "with 9, a file of "
                + "such, or `{task: TEXT, length: \"A:B\", FIELD: VALUE}` by the dataset's table of episodes.",
            differs: "New."),
        .rules(
            "exclude_episodes", \.stream.excludedEpisodes, "Of those, the episodes to leave; written as `episodes`.",
            differs: "New."),
        .init(
            "tolerance_s", \.stream.toleranceS, .ifPresent(.positive),
            "How far a LeRobot video's frame may lie from its time, in seconds, where frames and rows differ in number; null: "
                + "0.0001.",
            differs: "LeRobot's own option."),
        .rules(
            "filter_key", \.stream.filterKeys,
            "Episodes of HDF5 datasets: those in this list of `/mask`, as robomimic's `hdf5_filter_key` has it; the first entry "
                + "whose key is in the name wins.",
            differs: "New."),
        .rules(
            "flip", \.stream.flips,
            "How stored pictures are turned, in place of what the files tell: `none`, `horizontal`, `vertical` or `both`, by "
                + "part of a dataset's name, or of `NAME/CAMERA`.",
            differs: "New."),
        .rules(
            "channel_order", \.stream.channelOrders,
            "Whether stored pictures have red or blue first, in place of what is usual: `rgb` or `bgr`, by part of a "
                + "dataset's name, or of `NAME/CAMERA`.",
            differs: "New."),
        .rules(
            "depth", \.stream.depth,
            "Distances that become black and white where a depth camera is named in `image_keys`, in its unit: `{range: "
                + "[MIN, MAX]}`, or by part of `NAME/CAMERA`. Without it depth is no picture.",
            differs: "New."),
        .init(
            "on_bad_sample", \.stream.onBadSample,
            "What happens where frames cannot be decoded or their video is missing: the run fails, or another pair of the "
                + "dataset takes the place, and episodes without their video are left out.",
            differs: "New; a damaged video ends the original's run."),
        .init(
            "max_skips", \.stream.maxSkips, .from(0, to: 1_000_000_000),
            "With `on_bad_sample: skip`: samples that may be skipped before the run fails after all.", differs: "New."),
        .init(
            "num_workers", \.stream.numWorkers, .ifPresent(.from(1, to: 1_024)),
            "Threads that read and augment; null: half of the cores, at most 8.",
            differs: "The original always uses none."),
        .init(
            "memory_budget", \.stream.memoryBudgetGiB, .ifPresent(.positive),
            "Bound in GiB on what the data stream takes; null: as its batches need, and 1 GiB of open videos.",
            differs: "New; the original's decoders grow without bound."),
        .init("prefetch", \.stream.prefetch, .from(1, to: 1_024), "Batches made ahead.", differs: "New."),
        .path(
            "feature_cache", \.featureCache,
            "Folder that keeps the vision encoder's features in bf16, so that a frame is decoded and encoded once; "
                + "needs `image_aug: false`.",
            differs: "New."),
        .init(
            "feature_cache_gib", \.featureCacheGiB, .positive,
            "Bound on the size of `feature_cache` in GiB; once it is full, no more frames are kept.", differs: "New."),
    ]

    static let ignored: [IgnoredOption] = [
        IgnoredOption("num_frames", "pairs are drawn by data.window"),
        IgnoredOption("episodic", silent: [.bool(false)], "streams are shuffled over episodes"),
        IgnoredOption("action", "actions are not read by the latent action model"),
        IgnoredOption("train_shuffle", silent: [.bool(true)], "training data is always shuffled"),
        IgnoredOption("val_shuffle", silent: [.bool(false)], "validation data is never shuffled"),
        IgnoredOption("val_batch_size", "validation uses data.batch_size"),
        IgnoredOption("worker_init_fn", "workers take their seeds from data.seed"),
        IgnoredOption("collate_fn", "batches have one fixed form"),
        IgnoredOption("train_sampler", "sampling follows data.dataset_mix"),
        IgnoredOption("val_sampler", "sampling follows data.dataset_mix"),
        IgnoredOption("test_sampler", "sampling follows data.dataset_mix"),
        IgnoredOption("_class_path", "classes are fixed here"),
        IgnoredOption("_instantiator", "classes are fixed here"),
        // LaWAM's.
        IgnoredOption("video_backend", "videos are decoded by this program"),
        IgnoredOption("preferred_video_key", "set data.image_keys"),
        IgnoredOption("state_keys", "set model.state_key"),
        IgnoredOption("max_state_dim", "model.max_state_dim counts"),
        IgnoredOption("prefetch_factor", "set data.prefetch"),
        IgnoredOption("pin_memory", silent: [.bool(true), .bool(false)], "batches are made where they are used"),
        IgnoredOption("persistent_workers", silent: [.bool(true), .bool(false)], "threads live as long as the stream"),
        IgnoredOption("in_order", silent: [.bool(true), .bool(false)], "batches always come in order"),
        IgnoredOption("debug_repeat_batch", silent: [.bool(false), .int(0)], "every batch is a new one"),
    ]

    /// Those of some options that are not as they are by default, with their values.
    public func changed(_ names: [String]) -> [String] {
        guard case .map(let values) = configValue, case .map(let defaults) = Self().configValue else { return [] }
        return names.compactMap { name in
            guard let value = values[name]?.inline, value != defaults[name]?.inline else { return nil }
            return "\(name) \(value)"
        }
    }

    /// The `datamodule_hyper_parameters` of a checkpoint.
    public var hyperParameters: ConfigValue { configValue }
}

extension DataConfiguration {
    /// What the stream of a model is made of: instructions are looked up where the model reads them.
    public func stream(for model: ModelConfiguration) -> StreamOptions {
        var options = stream
        options.readsTasks = model.textEncoder != .none
        return options
    }
}
