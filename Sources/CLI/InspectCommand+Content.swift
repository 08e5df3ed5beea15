import Formats
import Foundation
import LAMData

extension InspectCommand {
    /// The checks of content, by one process: they are about all episodes.
    func look(
        at camera: Camera, of dataset: any RobotDataset, window: DatasetReport.Window
    ) throws -> ContentReport {
        let showsProgress = isTerminal(STDERR_FILENO)
        defer { if showsProgress { Console.redrawError("") } }
        let threads = Threads.fromEnvironment ?? ProcessInfo.processInfo.activeProcessorCount
        let report = try ContentReport(
            dataset: dataset, camera: camera, window: window.minimum...window.maximum, threads: threads
        ) { done, total in
            if showsProgress { Console.redrawError("looking: \(done) of \(total) frames") }
        }
        if !json {
            print("\n" + report.text().split(separator: "\n").map { String($0).printableLine }.joined(separator: "\n"))
        }
        return report
    }

    /// Episodes by dataset, as `data.exclude_episodes` takes them.
    func write(_ reports: [ContentReport], to path: String) throws {
        let lists = Dictionary(grouping: reports, by: \.dataset).mapValues { reports in
            Set(reports.flatMap(\.excluded)).sorted()
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.write(Array(try encoder.encode(lists)) + [0x0A], to: path)
    }
}
