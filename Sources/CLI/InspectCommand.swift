import ArgumentParser
import Collectives
import Configuration
import Formats
import Foundation
import LAMData
import LAMTrain

/// `lam inspect DATASET|CONFIG`: what is in a dataset or in the datasets of a mix, and is it sound.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Shows what is in a dataset (LeRobot, HDF5, plain videos) and whether it is sound.",
        discussion: """
            Checks the metadata, the row counts of all data files and the frame counts of all videos. \
            With --verify every row and every frame is read, too; with --pairs one sees what a model is fed. \
            Under mpirun the processes share the work of --verify. \
            A dataset on the hub is fetched as far as needed. \
            Exits with 3 and one line on standard error if something is wrong.
            """)

    @Argument(
        help: ArgumentHelp(
            "A folder that holds meta; an HDF5 file, a video, or a folder of such; org/name on the hub; or FILE.yaml, a configuration.",
            valueName: "dataset"), transform: PathArgument.read)
    var path: String

    @Option(help: "Look at this camera only, for example observation.images.top.")
    var camera: String?

    @Option(help: "Repository id, by which the window rule goes; default: the folder's name.")
    var name: String?

    @Option(help: "Frames per second of an HDF5 dataset that does not tell, or at which videos are seen.")
    var fps: Double?

    @Flag(name: .customLong("split-at-cuts"), help: "Make every shot of a plain video an episode.")
    var splitsAtCuts = false

    @Option(
        name: .customLong("filter-key"), help: "Take the episodes of this list in /mask of an HDF5 dataset only.")
    var filterKey: String?

    @Flag(help: "Read every row and decode every frame.")
    var verify = false

    @Flag(
        help:
            "Decode every frame and say what a model would not learn from: still, frozen, black, blurred, cut or duplicate."
    )
    var content = false

    @Option(
        name: .customLong("fail-on"),
        help: ArgumentHelp("With --content: exit with 3 if one of these is found.", valueName: "check,check"))
    var failOn: String?

    @Option(
        name: .customLong("exclude-file"),
        help: ArgumentHelp(
            "With --content: write the episodes found as a file for data.exclude_episodes.", valueName: "out.json"),
        transform: PathArgument.read)
    var excludeFile: String?

    @Option(
        name: .customLong("html"),
        help: ArgumentHelp(
            "With --content: write a page with pictures of the worst of what was found.", valueName: "out.html"),
        transform: PathArgument.read)
    var page: String?

    @Option(
        help: ArgumentHelp(
            "Draw sampled pairs, augmented as in training, to a PNG file, or to pairs.png in a folder.",
            valueName: "out.png"),
        transform: PathArgument.read)
    var pairs: String?

    @Flag(help: "Print JSON; a list of such objects for a configuration.")
    var json = false

    private static let pairsInSheet = 24
    private static let pairsName = "pairs.png"

    private var isConfiguration: Bool { path.hasSuffix(".yaml") || path.hasSuffix(".yml") }

    /// What `--json` prints.
    private struct Output: Encodable {
        let dataset: DatasetReport?
        let verification: DatasetVerification?
        let content: [ContentReport]?
        let error: String?
    }

    func validate() throws {
        if let pairs, !PathArgument.file(Self.pairsName, at: pairs).lowercased().hasSuffix(".png") {
            throw ValidationError("--pairs: expected a file that ends in .png, or a folder for it, got \(pairs)")
        }
        guard content || failOn == nil && excludeFile == nil && page == nil else {
            throw ValidationError("--fail-on, --exclude-file and --html go with --content")
        }
        if let failOn, failures.isEmpty {
            throw ValidationError("--fail-on: expected checks with commas between them, got \"\(failOn)\"")
        }
        let known = ContentCheck.allCases.map(\.rawValue)
        if let unknown = failures.first(where: { !known.contains($0) }) {
            throw ValidationError("--fail-on: expected \(known.joined(separator: ", ")), got \(unknown)")
        }
    }

    private var failures: [String] { failOn?.split(separator: ",").map(String.init) ?? [] }

    func run() throws {
        try RankedProgram.run(trapsSignals: false) { group in
            try run(group)
            return nil
        }
    }

    private func run(_ group: any ProcessGroup) throws {
        var outputs: [Output] = []
        var drawn = ContentPage()
        var failure: ExitCode?
        do {
            group.timeout = .infinity
            var hub = try HubAccess(environment: ProcessInfo.processInfo.environment)
            if let announce = Console.announcer(group) { hub.announce = announce }
            var options = StreamOptions(datasetMix: [])
            if isConfiguration {
                options = try FitArguments.parse(arguments: ["--config", path]).configuration.data.stream
                try options.validate()
            } else {
                let isFolder = FileManager.default.fileExists(atPath: path)
                options.datasetMix = [.init(isFolder ? URL(fileURLWithPath: path).standardizedFileURL.path : path, 1)]
                options.filterKeys = filterKey.map { [.init(pattern: "", key: $0)] } ?? []
                options.splitsAtCuts = splitsAtCuts
                if let fps {
                    options.fps = [.init(pattern: "", fps: fps)]
                    try options.validate()
                }
            }
            for (place, entry) in options.datasetMix.enumerated() {
                if !json, place > 0, group.isRoot { print("") }
                var report: DatasetReport?
                do {
                    let output = try inspect(entry.name, options, hub, group, &report, &drawn)
                    outputs.append(output)
                    if let error = output.error {
                        if group.isRoot { Console.error("error: \(error)") }
                        failure = ExitCode(3)
                    }
                } catch let error where ExitStatus.code(for: error) == ExitCode(3) {
                    outputs.append(Output(dataset: report, verification: nil, content: nil, error: "\(error)"))
                    if group.isRoot { Console.error("error: \(error)") }
                    failure = ExitCode(3)
                }
            }
            let contents = outputs.flatMap { $0.content ?? [] }
            if group.isRoot, let excludeFile { try write(contents, to: excludeFile) }
            if group.isRoot, let page { try AtomicFile.write(Array(drawn.html.utf8), to: page) }
            for report in contents {
                let found = failures.filter { report.verdicts[$0] == .found }
                guard !found.isEmpty else { continue }
                failure = ExitCode(3)
                if group.isRoot {
                    Console.error(
                        "error: content: \(report.dataset): expected none of --fail-on, found \(found.joined(separator: ", "))"
                    )
                }
            }
            if failure == nil, group.isRoot, let pairs {
                try draw(options, hub, to: PathArgument.file(Self.pairsName, at: pairs))
            }
        } catch let error where !(error is ExitCode) && (group.size == 1 || !(error is CollectiveError)) {
            if group.isRoot { Console.error("error: \(error)") }
            failure = ExitStatus.code(for: error)
        }
        if json, group.isRoot {
            let formatting: JSONEncoder.OutputFormatting = [.prettyPrinted, .withoutEscapingSlashes]
            if isConfiguration {
                try Console.printJSON(outputs, formatting)
            } else if let only = outputs.first {
                try Console.printJSON(only, formatting)
            }
        }
        if let failure { throw failure }
    }

    private func inspect(
        _ entry: String, _ options: StreamOptions, _ hub: HubAccess, _ group: any ProcessGroup,
        _ report: inout DatasetReport?, _ drawn: inout ContentPage
    ) throws -> Output {
        let status: (any Error) -> Int32 = { ExitStatus.code(for: $0).rawValue }
        let (dataset, cameras, made, fault) = try group.together(for: "opening of the dataset", status: status) {
            try open(entry, options, hub)
        }
        report = made
        if !json, group.isRoot {
            Console.prepared(
                made.text(emphasis: isTerminal(STDOUT_FILENO) ? { "\u{1B}[1m\($0)\u{1B}[0m" } : { $0 }) + "\n")
        }
        var verification: DatasetVerification?
        if verify {
            let own = try group.together(for: "verification", status: status) {
                try decodePart(dataset, cameras, group)
            }
            let parts = try group.allGather([UInt8](JSONEncoder().encode(own)), for: "verification")
            verification = DatasetVerification(
                try parts.map { try JSONDecoder().decode(DatasetVerification.Findings.self, from: Data($0)) })
        }
        if !json, group.isRoot { printVerdict(made, verification, isSound: fault == nil) }
        var contents: [ContentReport]?
        if content, group.isRoot {
            contents = try cameras.filter(\.content.isColor).map { camera in
                let found = try look(at: camera, of: dataset, window: made.window)
                if page != nil { try drawn.add(found, of: dataset, camera: camera) }
                return found
            }
        }
        return Output(dataset: made, verification: verification, content: contents, error: fault.map { "\($0)" })
    }

    private func open(
        _ entry: String, _ options: StreamOptions, _ hub: HubAccess
    ) throws -> (any RobotDataset, [Camera], DatasetReport, DataError?) {
        // Of a LeRobot dataset that lacks something, what is missing is said.
        let isLeRobot = FileManager.default.fileExists(atPath: "\(entry)/meta")
        let whole: any RobotDataset =
            isLeRobot
            ? try LeRobotDataset(root: entry, name: name ?? URL(fileURLWithPath: entry).lastPathComponent)
            : try DatasetCatalog(options, hub: hub).dataset(entry)
        // Files of episodes that are not chosen need not be there.
        let dataset = try options.chosenEpisodes(of: whole).flatMap { whole.keeping($0) } ?? whole
        let cameras: [Camera]
        if let camera {
            cameras = [try dataset.camera(preferred: camera)]
        } else {
            cameras = isConfiguration ? try options.cameras(of: dataset) : dataset.cameras
        }
        var options = options
        var fault: DataError?
        let report: DatasetReport
        do {
            report = try DatasetReport(dataset: dataset, cameras: cameras, options: options)
        } catch let error as DataError where error.isAboutVideoFile && options.onBadSample == .fail {
            // What is wrong with the other episodes is worth knowing, too.
            (fault, options.onBadSample) = (error, .skip)
            report = try DatasetReport(dataset: dataset, cameras: cameras, options: options)
        }
        // What a run would leave out, with a note, is not looked at either.
        let prepared = try dataset.prepared(for: cameras, onBadSample: options.onBadSample).dataset
        return (prepared, cameras, report, fault)
    }

    /// Pairs as the first batches of training have them.
    private func draw(_ options: StreamOptions, _ hub: HubAccess, to path: String) throws {
        var options = options
        // Pairs are read in runs of neighbours, which would show the same scene several times: of many, mixed over the whole
        // dataset, those of different episodes are drawn.
        options.batchSize = Self.pairsInSheet * 4
        options.bufferSize = 1_000_000
        options.prefetch = 1
        if let camera {
            options.imageKeys = options.datasetMix.map { entry in
                let name = URL(fileURLWithPath: entry.name).lastPathComponent.prefix { $0 != "@" }
                return StreamOptions.ImageKey(pattern: String(name), key: camera)
            }
        }
        guard let batch = try FramePairStream(options, hub: hub).next()?.spread(Self.pairsInSheet) else { return }
        try AtomicFile.write(PairSheet(batch).image.encoded(), to: path)
        guard !json else { return }
        print("Pairs: \(path), the first frame above the second; from the top left:")
        for sample in batch.samples {
            print(
                "  \(sample.dataset), episode \(sample.episode), frames \(sample.frame) and \(sample.target)"
                    + (sample.task.isEmpty ? "" : ", \(sample.task)"))
        }
    }

    private func printVerdict(_ report: DatasetReport, _ verification: DatasetVerification?, isSound: Bool) {
        print("")
        for note in report.notes + report.cuts { print("Note: \(note.printableLine)") }
        for warning in report.warnings + (verification?.warnings ?? []) { print("Warning: \(warning.printableLine)") }
        guard isSound else {
            print("Not sound: the error is told below; the rest was looked at.")
            return
        }
        let videos = report.cameras.filter { $0.kind == "video" }.reduce(0) { $0 + $1.files }
        let counted =
            ["metadata", "data files"] + (videos == 0 ? [] : [videos == 1 ? "its video" : "all \(videos) videos"])
        guard report.codebaseVersion != nil else {
            print(
                report.columns.isEmpty
                    ? "Sound: all files can be opened, and tell their frames."
                    : "Sound: all episodes have these cameras, with as many frames as actions.")
            print(
                verification.map { "Verified: all \(report.totalFrames) rows read, \($0.frames) frames decoded." }
                    ?? "Frames were not decoded; --verify does that.")
            return
        }
        print(
            "Sound: the counts of \(counted.dropLast().joined(separator: ", ")) and \(counted[counted.count - 1]) agree."
        )
        if let verification {
            print("Verified: all \(report.totalFrames) rows read, \(verification.frames) frames decoded.")
        } else {
            print("Frames were not decoded; --verify does that.")
        }
    }

    /// This rank's part of the frames.
    private func decodePart(
        _ dataset: any RobotDataset, _ cameras: [Camera], _ group: any ProcessGroup
    ) throws -> DatasetVerification.Findings {
        let showsProgress = isTerminal(STDERR_FILENO) && group.size == 1
        defer { if showsProgress { Console.redrawError("") } }
        func show(_ done: Int, _ total: Int) {
            guard showsProgress else { return }
            Console.redrawError("decoding: \(done) of \(total) frames")
        }
        return try DatasetVerification.findings(
            dataset: dataset, cameras: cameras, part: group.rank, of: group.size, progress: show)
    }

    /// Escape codes are for people; `NO_COLOR` (no-color.org) turns them off.
    func isTerminal(_ descriptor: Int32) -> Bool {
        isatty(descriptor) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    }
}
