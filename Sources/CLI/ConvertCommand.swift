import ArgumentParser
import Foundation
import Conversion
import LAMData
import Synchronization

/// `lam convert SOURCE DEST`: a LeRobot dataset from HDF5 files or plain videos, or from a LeRobot dataset of another
/// version.
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract:
            "Writes HDF5 files (LIBERO, robomimic, ALOHA), plain videos or a LeRobot dataset as a LeRobot dataset.",
        discussion: """
            Numbers keep their values and types. Videos of a LeRobot dataset are taken as they are, packet for packet, where \
            an episode begins with a keyframe; other pictures are encoded as videos, a keyframe every other frame. \
            Everything grows in DEST.partial, which becomes DEST in the end; interrupted, the same command goes on.
            """)

    @Argument(
        help: ArgumentHelp("An HDF5 file, a video, a folder of such, or a LeRobot dataset.", valueName: "source"),
        transform: PathArgument.read)
    var source: String

    @Argument(help: ArgumentHelp("The folder to make.", valueName: "dest"), transform: PathArgument.read)
    var destination: String

    @Option(help: "Frames per second of HDF5 files that do not tell, or not rightly, or at which videos are seen.")
    var fps: Double?

    @Flag(name: .customLong("split-at-cuts"), help: "Make every shot of a plain video an episode.")
    var splitsAtCuts = false

    @Option(
        parsing: .upToNextOption,
        help: "Cameras to keep, all by default; NAME=NEW renames one, for example agentview_rgb=image.")
    var cameras: [String] = []

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Columns or cameras to leave out, for example observation.effort.", valueName: "column"))
    var drop: [String] = []

    @Option(help: "h264 or av1.")
    var codec = VideoCodec.h264

    @Option(help: "v2.1, which lam extract-latents reads most directly, or v3.0.")
    var format = TargetFormat.v21

    @Option(
        name: .customLong("action-config"),
        help: ArgumentHelp(
            "Add action_config to the episodes: `whole`, a segment for each run of frames with one task; or a JSON-lines file.",
            valueName: "whole|file"), transform: PathArgument.read)
    var actionConfig: String?

    @Option(
        help: """
            Turn stored pictures: none, horizontal, vertical or both (rotate180); by default as HDF5 files say (LIBERO's \
            are upside down).
            """)
    var flip: FrameOrientation?

    @Option(
        name: .customLong("channel-order"),
        help:
            "Whether pictures of HDF5 files have red or blue first, rgb or bgr; by default as their layout usually has."
    )
    var channelOrder: ChannelOrder?

    @Option(
        name: .customLong("filter-key"), help: "Take the episodes of this list in /mask of HDF5 files only.")
    var filterKey: String?

    @Flag(help: "Encode even videos that could be taken as they are, for example for more keyframes.")
    var recode = false

    enum TargetFormat: String, ExpressibleByArgument, CaseIterable {
        case v21 = "v2.1"
        case v30 = "v3.0"

        var version: DatasetInfo.Version { self == .v21 ? .v21 : .v30 }
    }

    func validate() throws {
        if let fps, !(fps.isFinite && fps > 0 && fps <= 1e6) {
            throw ValidationError("--fps: expected a number above 0, up to 1000000, got \(fps)")
        }
    }

    func run() throws {
        do {
            SignalTrap.install()
            SignalTrap.answer("ending; the same command goes on from here; a second signal ends at once")
            let line = ProgressLine(label: "lam convert")
            let conversion = try conversion()
            for column in conversion.leftOut { Console.error("note: left out: \(column)") }
            let summary = try conversion.run(
                threads: Threads.fromEnvironment ?? ProcessInfo.processInfo.activeProcessorCount,
                progress: { line.show($0, $1, $2) }, isCancelled: { SignalTrap.received != nil })
            line.clear()
            for camera in summary.encoded {
                Console.error(
                    "note: \(camera.camera): videos of \(camera.episodes) of \(summary.episodes) episodes were encoded anew as "
                        + "\(codec.rawValue): \(camera.reason)")
            }
            print(
                "\(destination): \(summary.episodes) episodes, \(summary.frames) frames, \(summary.cameras) camera\(summary.cameras == 1 ? "" : "s")"
                    + (summary.resumed > 0 ? " (\(summary.resumed) episodes were there from before)" : ""))
        } catch is CancellationError {
            Console.error("note: interrupted; the same command goes on where it stopped")
            throw ExitCode(128 + (SignalTrap.received ?? SIGINT))
        } catch {
            Console.error("error: \(error)")
            if case DataError.missingVideo(_, let camera, _, _) = error {
                Console.error("note: a conversion takes all episodes; --drop \(camera) leaves the camera out")
            }
            throw ExitStatus.code(for: error)
        }
    }

    private func conversion() throws -> DatasetConversion {
        var options = ConversionOptions()
        options.codec = codec
        options.format = format.version
        options.recodes = recode
        options.cameras = cameras.flatMap { $0.split(separator: ",") }.map { camera in
            let parts = camera.split(separator: "=", maxSplits: 1).map(String.init)
            return (from: parts.first ?? "", to: parts.count > 1 ? parts[1] : nil)
        }
        options.dropped = drop.flatMap { $0.split(separator: ",") }.map(String.init)
        options.actionConfig = actionConfig.map { $0 == "whole" ? .whole : .file($0) }
        let path = URL(fileURLWithPath: source).standardizedFileURL.path
        var request = DatasetFormat.Request(name: URL(fileURLWithPath: path).lastPathComponent)
        (request.fps, request.orientation, request.channelOrder, request.filter) = (fps, flip, channelOrder, filterKey)
        request.splitsAtCuts = splitsAtCuts
        request.cacheFolder = CacheFolders(environment: ProcessInfo.processInfo.environment).videoTables
        let corrections = [
            ("fps", fps != nil), ("flip", flip != nil), ("channel-order", channelOrder != nil),
            ("filter-key", filterKey != nil), ("split-at-cuts", splitsAtCuts),
        ]
        // A file that is no video and a path that leads nowhere are told as HDF5.
        let found = try? FileManager.default.contentsOfDirectory(atPath: path)
        guard let format = DatasetFormat.at(path) ?? (found == nil ? .hdf5 : nil) else {
            throw StreamError.noDataset(
                name: request.name, path: path, found: (found ?? []).filter { !$0.hasPrefix(".") }.sorted())
        }
        if !format.takesCorrections, let option = corrections.first(where: \.1) {
            throw ConversionError.invalidOption(
                name: option.0, expected: "a source of HDF5 files or plain videos", got: "a \(format.name) dataset")
        }
        let dataset = try format.open(path, request)
        for array in dataset.facts.leftOut { Console.error("note: left out: \(array)") }
        // What can be corrected is said of each camera.
        let notes =
            format.takesCorrections
            ? try DatasetReport(dataset: dataset, cameras: dataset.cameras).notes : dataset.notes
        for note in notes { Console.error("note: \(note)") }
        return try DatasetConversion(dataset, to: destination, options)
    }
}

extension VideoCodec: ExpressibleByArgument {}
extension ChannelOrder: ExpressibleByArgument {}
extension FrameOrientation: ExpressibleByArgument {
    public init?(argument: String) { self.init(named: argument) }
}

/// A line on the terminal that is written over: what is done and how long the rest takes.
private final class ProgressLine: Sendable {
    private let label: String
    private let isShown = isatty(STDERR_FILENO) == 1
    private let start = ContinuousClock.now
    private let last = Mutex(ContinuousClock.now)

    init(label: String) { self.label = label }

    func show(_ done: Int, _ total: Int, _ found: Int) {
        guard isShown else { return }
        let isDue = last.withLock { last in
            guard last.duration(to: .now) > .milliseconds(200) else { return false }
            last = .now
            return true
        }
        guard isDue else { return }
        let seconds = start.duration(to: .now) / .seconds(1)
        let rate = Double(done - found) / max(seconds, 0.001)
        let rest = rate > 0 ? Int(min(Double(total - done) / rate, 1e9)) : 0
        let text =
            "\(label): \(done) of \(total) frames, \(Int(rate))/s, \(rest / 60):"
            + (rest % 60 < 10 ? "0" : "") + "\(rest % 60) left"
        Console.redrawError(text)
    }

    func clear() {
        if isShown { Console.redrawError("") }
    }
}
