import ArgumentParser
import Configuration
import Formats
import Foundation
import LAMData
import LAMTrain
import Planning

/// `lam init DATASET…`: a first configuration for datasets on this machine.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Looks at datasets and writes a configuration that `lam fit` takes at once.",
        discussion: """
            Chooses camera, resolution, model size, batch and steps by what the datasets are and by what this machine was \
            measured to do, and says so in comments. The datasets are opened and checked as `lam inspect` does.
            """)

    @Argument(
        help: ArgumentHelp(
            "A folder that holds meta; an HDF5 file, a video, or a folder of such; or org/name on the hub.",
            valueName: "dataset"), transform: PathArgument.read)
    var datasets: [String]

    @Option(name: .shortAndLong, help: "The file to write, or a folder for it.", transform: PathArgument.read)
    var output = ConfigurationDraft.fileName

    @Option(help: "The camera to learn from, for example observation.images.top.")
    var camera: String?

    @Option(help: "Frames per second of an HDF5 dataset that does not tell, or at which videos are seen.")
    var fps: Double?

    @Option(help: "Minutes that the training may take.")
    var minutes = 20.0

    @Option(help: "Seconds that the measurement may take.")
    var seconds = 10.0

    @Flag(help: "Replace the file if it is there.")
    var overwrite = false

    func validate() throws {
        guard !datasets.isEmpty else { throw ValidationError("expected a dataset, got none") }
        guard minutes > 0, minutes <= 1e6 else {
            throw ValidationError("--minutes: expected a number above 0, up to 1000000, got \(minutes)")
        }
        guard seconds > 0, seconds <= 3600 else {
            throw ValidationError("--seconds: expected a number above 0, up to 3600, got \(seconds)")
        }
        guard fps.map({ $0 > 0 && $0 <= 1e6 }) ?? true else {
            throw ValidationError("--fps: expected a number above 0, got \(fps ?? 0)")
        }
    }

    func run() throws {
        do {
            let output = PathArgument.file(ConfigurationDraft.fileName, at: output)
            try requirePlace(output)
            let environment = ProcessInfo.processInfo.environment
            let (root, entries) = Self.places(of: datasets)
            var options = StreamOptions(datasetMix: entries.map { .init($0, 1) }, root: root)
            options.fps = fps.map { [.init(pattern: "", fps: $0)] } ?? []
            let hub = try HubAccess(environment: environment)
            let surveys = try entries.map { try DatasetSurvey($0, options, hub: hub, camera: camera) }
            var draft = try ConfigurationDraft(
                surveys, root: root, fps: fps, seconds: 60 * minutes, environment: environment,
                threads: Threads.fromEnvironment)
            try draft.measure(budget: seconds, environment: environment, threads: Threads.fromEnvironment)
            try AtomicFile.write(Array(draft.text.utf8), to: output)
            if let cost = draft.cost { print(cost.text) }
            if let line = draft.shortRunNote { Console.error("note: \(line)") }
            print("\(output) is written. Next: lam fit --config \(output)")
        } catch {
            Console.error("error: \(error)")
            throw ExitStatus.code(for: error)
        }
    }

    /// Before the measurement, which takes a while.
    private func requirePlace(_ output: String) throws {
        func refuse(_ problem: String) -> ConfigurationError {
            .usage(argument: "--output \(output)", problem: problem)
        }
        let files = FileManager.default
        guard overwrite || !files.fileExists(atPath: output) else {
            throw refuse("the file is there already; name another, or add --overwrite")
        }
        let folder = URL(fileURLWithPath: output).deletingLastPathComponent().path
        guard files.fileExists(atPath: folder) else { throw refuse("expected a folder \(folder), found none; make it") }
        guard files.isWritableFile(atPath: folder) else { throw refuse("\(folder) cannot be written to; name another") }
    }

    /// Absolute places, so that the file means the same wherever it is used; short names where all datasets lie in one folder.
    private static func places(of datasets: [String]) -> (root: String?, entries: [String]) {
        let local = datasets.map { path in
            FileManager.default.fileExists(atPath: path) ? URL(fileURLWithPath: path).standardizedFileURL : nil
        }
        let folders = Set(local.map { $0?.deletingLastPathComponent().path })
        if folders.count == 1, let only = folders.first, let folder = only {
            return (folder, local.compactMap { $0?.lastPathComponent })
        }
        return (nil, zip(datasets, local).map { $1?.path ?? $0 })
    }
}
