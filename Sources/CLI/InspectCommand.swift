import ArgumentParser
import Formats
import Foundation
import LAMData

/// `lam inspect DATASET`: what is in a dataset, and is it sound.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Shows what is in a LeRobot dataset and whether it is sound.",
        discussion: """
            Checks the metadata, the row counts of all data files and the frame counts of all videos. \
            With --verify every row and every frame is read, too. \
            Exits with 3 and one line on standard error if something is wrong.
            """)

    @Argument(help: ArgumentHelp("Folder of the dataset: the one that holds meta.", valueName: "dataset"))
    var path: String

    @Option(help: "Look at this camera only, for example observation.images.top.")
    var camera: String?

    @Option(help: "Repository id, by which the window rule goes; default: the folder's name.")
    var name: String?

    @Flag(help: "Read every row and decode every frame.")
    var verify = false

    @Flag(help: "Print JSON.")
    var json = false

    /// What `--json` prints.
    private struct Output: Encodable {
        let dataset: DatasetReport?
        let verification: DatasetVerification?
        let error: String?
    }

    func run() throws {
        var report: DatasetReport?
        do {
            let folder = URL(fileURLWithPath: path).standardizedFileURL
            let dataset = try LeRobotDataset(root: folder.path, name: name ?? folder.lastPathComponent)
            let cameras = try camera.map { [try dataset.camera(preferred: $0)] } ?? dataset.cameras
            let made = try DatasetReport(dataset: dataset, cameras: cameras)
            report = made
            if !json { print(made.text(emphasis: isTerminal(STDOUT_FILENO) ? { "\u{1B}[1m\($0)\u{1B}[0m" } : { $0 })) }
            let verification = verify ? try decodeEverything(dataset, cameras) : nil
            if json {
                try printJSON(Output(dataset: made, verification: verification, error: nil))
            } else {
                printVerdict(made, verification)
            }
        } catch let error where error is DataError || error is ParquetError {
            if json { try printJSON(Output(dataset: report, verification: nil, error: "\(error)")) }
            FileHandle.standardError.write(Data("lam inspect: \(error)\n".utf8))
            throw ExitCode(3)
        }
    }

    private func printVerdict(_ report: DatasetReport, _ verification: DatasetVerification?) {
        print("")
        for warning in verification?.warnings ?? [] { print("Warning: \(warning)") }
        let videos = report.cameras.filter { $0.kind == "video" }.reduce(0) { $0 + $1.files }
        let counted =
            ["metadata", "data files"] + (videos == 0 ? [] : [videos == 1 ? "its video" : "all \(videos) videos"])
        print(
            "Sound: the counts of \(counted.dropLast().joined(separator: ", ")) and \(counted[counted.count - 1]) agree."
        )
        if let verification {
            print("Verified: all \(report.totalFrames) rows read, \(verification.frames) frames decoded.")
        } else {
            print("Frames were not decoded; --verify does that.")
        }
    }

    private func decodeEverything(_ dataset: LeRobotDataset, _ cameras: [Camera]) throws -> DatasetVerification {
        let showsProgress = isTerminal(STDERR_FILENO)
        defer { if showsProgress { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) } }
        return try DatasetVerification(dataset: dataset, cameras: cameras) { done, total in
            guard showsProgress else { return }
            FileHandle.standardError.write(Data("\rdecoding: \(done) of \(total) frames".utf8))
        }
    }

    private func printJSON(_ output: Output) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(output), as: UTF8.self))
    }

    /// Escape codes are for people; `NO_COLOR` (no-color.org) turns them off.
    private func isTerminal(_ descriptor: Int32) -> Bool {
        isatty(descriptor) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    }
}
