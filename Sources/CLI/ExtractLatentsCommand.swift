import ArgumentParser
import Collectives
import Devices
import Foundation
import LAMData
import LAMTrain
import Tensor
import Wan

/// `lam extract-latents`: LingBot-VA's `latents/` from a LeRobot dataset and Wan2.2's weights.
struct ExtractLatentsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "extract-latents",
        abstract: "Encodes a dataset's videos and instructions with Wan2.2 into LingBot-VA's .pth files.",
        discussion: """
            Reads action_config from the dataset's metadata and writes latents/chunk-XXX/CAMERA/episode_N_START_END.pth \
            beside videos/. Files that are complete are skipped, so an interrupted run is simply started again. \
            Under mpirun the processes share the videos. \
            Exits with 3 and a table if something had to be left out.
            """)

    @Option(
        name: .customLong("ckpt_dir"),
        help: "Folder of Wan2.2-TI2V-5B: Wan2.2_VAE.pth, models_t5_umt5-xxl-enc-bf16.pth, google/umt5-xxl.",
        transform: PathArgument.read)
    var checkpoint: String

    @Option(
        name: .customLong("dataset_path"),
        help: "Folder of a LeRobot dataset, the one that holds meta, or of HDF5 files or videos.",
        transform: PathArgument.read)
    var dataset: String

    @Option(name: .customLong("wan22_root"), help: "Accepted and ignored: no Python repository is needed.")
    var wan22Root: String?

    @Option(
        name: .customLong("video_keys"), parsing: .upToNextOption,
        help: "Cameras; default: all that the dataset stores as video, or all if none is.")
    var videoKeys: [String] = []

    @Option(help: "Frames per second of HDF5 files, videos or pictures that do not tell, or not rightly.")
    var fps: Double?

    @Option(name: .customLong("target_fps"), help: "Frames per second to encode; default: all frames.")
    var targetFPS: Int?

    @Option(name: .customLong("frame_stride"), help: "Encode every Nth frame; goes before --target_fps.")
    var frameStride: Int?

    @Option(help: "Resize to this height, a multiple of 16.")
    var height: Int?

    @Option(help: "Resize to this width, a multiple of 16.")
    var width: Int?

    @Option(name: .customLong("wrist_height"), help: "Height of wrist cameras; default: half of --height.")
    var wristHeight: Int?

    @Option(name: .customLong("wrist_width"), help: "Width of wrist cameras; default: half of --width.")
    var wristWidth: Int?

    @Option(name: .customLong("max_episodes"), help: "Take this many episodes from the beginning.")
    var maxEpisodes: Int?

    @Option(help: "Take these episodes, for example 0,3,10-19.")
    var episodes: EpisodeList?

    @Option(
        name: .customLong("text_pad"),
        help: "Rows of text_emb: 512, with zeros behind the text's own, or none for just these.")
    var textPad = ExtractionOptions.TextPadding.full

    @Option(help: "Number format of what convolutions multiply: f32 or bf16.")
    var precision = ExtractionPrecision.f32

    @Option(help: "Device: auto, cpu, gpu, cuda, tpu or pjrt-cpu.")
    var device = DeviceChoice.cpu

    @Flag(help: "Make files anew that are there already.")
    var overwrite = false

    @Flag(help: "Decode latents back and print the signal-to-noise ratio of each camera.")
    var verify = false

    @Option(
        help: ArgumentHelp("Write pictures of frames beside decoded latents.", valueName: "dir"),
        transform: PathArgument.read)
    var preview: String?

    @Flag(name: .customLong("empty_emb"), help: "Also write empty_emb.pt, the vectors of an empty text.")
    var emptyEmb = false

    func validate() throws {
        guard (height == nil) == (width == nil), (wristHeight == nil) == (wristWidth == nil) else {
            throw ValidationError("heights and widths go together")
        }
    }

    private var options: ExtractionOptions {
        var options = ExtractionOptions(checkpoint: checkpoint, dataset: dataset)
        options.videoKeys = videoKeys.isEmpty ? nil : videoKeys
        options.fps = fps
        options.frames = FrameRule(targetFPS: targetFPS, stride: frameStride)
        if let height, let width { options.size = (height, width) }
        if let wristHeight, let wristWidth { options.wristSize = (wristHeight, wristWidth) }
        options.maximumEpisodes = maxEpisodes
        options.episodes = episodes?.indices
        options.textPadding = textPad
        options.precision = precision
        options.overwrites = overwrite
        options.verifies = verify
        options.preview = preview
        options.writesEmptyText = emptyEmb
        return options
    }

    func run() throws {
        try RankedProgram.run(trapsSignals: true) { group in try run(group) }
    }

    /// What `--device` names; nil for the CPU, which texts and videos each have to themselves.
    private func accelerator(_ group: any ProcessGroup) throws -> (any Backend)? {
        guard device != .cpu else { return nil }
        return try Device.open(
            device, threads: Threads.fromEnvironment, environment: ProcessInfo.processInfo.environment,
            announce: Console.announcer(group))
    }

    /// - Returns: the signal that has ended the extraction early.
    private func run(_ group: any ProcessGroup) throws -> Int32? {
        // Videos differ in length, and so does the ranks' work.
        group.timeout = .infinity
        if group.isRoot, wan22Root != nil {
            Console.error("note: --wan22_root is ignored: no Python repository is needed")
        }
        var options = options
        (options.rank, options.rankCount) = (group.rank, group.size)
        var console = ExtractionConsole(rank: group.rank, ranks: group.size)
        defer { console.endLine() }
        do {
            let accelerator = try accelerator(group)
            let extractor = try LatentExtractor(
                options, threads: Threads.fromEnvironment, openBackend: accelerator.map { backend in { backend } },
                report: { console.show($0) }, isInterrupted: { SignalTrap.received != nil },
                combine: { own in
                    let all = try group.allGather([UInt8](JSONEncoder().encode(own)), for: "extraction")
                    return ExtractionSummary(
                        try all.map { try JSONDecoder().decode(ExtractionSummary.self, from: Data($0)) })
                })
            let summary = try extractor.run()
            if group.isRoot { console.finish(summary) }
            if !summary.leftOut.isEmpty { throw ExitCode(3) }
            return nil
        } catch ExtractionError.interrupted {
            console.endLine()
            if group.isRoot { Console.error("note: interrupted; the same command goes on from here") }
            return SignalTrap.received ?? SIGINT
        }
    }
}

/// Episode indices and ranges of them: `0,3,10-19`.
struct EpisodeList: ExpressibleByArgument {
    let indices: Set<Int>

    /// Ranges longer than any dataset would only take memory.
    private static let longest = 10_000_000

    init?(argument: String) {
        var indices: Set<Int> = []
        for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
            let bounds = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard (1...2).contains(bounds.count), let first = bounds[0], let last = bounds[bounds.count - 1],
                first >= 0, first <= last, last - first < Self.longest
            else { return nil }
            indices.formUnion(first...last)
        }
        self.indices = indices
    }
}

extension ExtractionPrecision: ExpressibleByArgument {}
extension ExtractionOptions.TextPadding: ExpressibleByArgument {}
