import ArgumentParser
import Foundation
import Conversion
import LAMData

/// `lam action-config DATASET`: checks or adds the segments that `lam extract-latents` goes by.
struct ActionConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "action-config",
        abstract: "Checks or adds action_config in meta/episodes.jsonl of a LeRobot dataset of v2.x.",
        discussion: """
            Without an option it checks what is there, and exits with 3 if an episode has no segments or they do not fit. \
            The segments' file has a line for each episode: {"episode_index": 0, "action_config": [{"start_frame": 0, \
            "end_frame": 110, "action_text": "pick up the bowl"}]}.
            """)

    @Argument(
        help: ArgumentHelp("Folder of the dataset, the one that holds meta.", valueName: "dataset"),
        transform: PathArgument.read)
    var path: String

    @Flag(name: .customLong("from-tasks"), help: "Give each episode a segment for each run of frames with one task.")
    var fromTasks = false

    @Option(help: "Take segments from a JSON-lines file.", transform: PathArgument.read)
    var segments: String?

    func validate() throws {
        if fromTasks, segments != nil { throw ValidationError("--from-tasks and --segments exclude each other") }
    }

    func run() throws {
        do {
            let path = URL(fileURLWithPath: path).standardizedFileURL.path
            // Only rows tell which frames a task belongs to; segments from a file need none.
            let dataset = try LeRobotDataset(
                root: path, name: URL(fileURLWithPath: path).lastPathComponent, checkDataFiles: fromTasks,
                readsTasks: fromTasks)
            for note in dataset.notes { Console.error("note: \(note)") }
            let file = try ActionConfigFile(dataset)
            let source = segments.map { ActionConfig.Source.file($0) } ?? (fromTasks ? .whole : nil)
            let summary = try source.map { try file.write($0) } ?? file.check()
            print(
                "\(path): \(summary.withSegments) of \(summary.episodes) episodes "
                    + "\(source == nil ? "have" : "got") \(summary.segments) segments")
            guard source != nil || summary.withSegments == summary.episodes else {
                Console.error("error: episodes without segments; --from-tasks or --segments adds them")
                throw ExitCode(3)
            }
        } catch let exit as ExitCode {
            throw exit
        } catch {
            Console.error("error: \(error)")
            throw ExitStatus.code(for: error)
        }
    }
}
