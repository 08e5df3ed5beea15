import DataCore
import Formats
import Foundation
import Video

/// The folder in which a dataset grows, with the notes by which an interrupted conversion goes on.
struct ConversionFolder {
    private let staged: StagedFolder
    var destination: String { staged.destination }
    var dataset: String { staged.dataset }
    /// Where the videos of single episodes are, of which v3.0's files are made.
    var videos: String { staged.partial + "/videos" }

    init(_ destination: String) { staged = StagedFolder(destination, state: "conversion.json") }

    var isFree: Bool { staged.isFree }

    /// Where it stands what is known of a finished episode's pictures.
    func note(_ episode: Int) -> String { "\(staged.partial)/episodes/episode_\(episode).json" }

    /// Makes the folder of the unfinished dataset, or checks that the one there belongs to this conversion.
    func begin(_ plan: ConversionPlan) throws -> StagedFolder.Beginning {
        try staged.begin(Self.facts(plan), continues: true)
    }

    /// All that the finished dataset depends on.
    private static func facts(_ plan: ConversionPlan) throws -> [String: String] {
        var facts = plan.options.facts
        facts["source"] = plan.dataset.name
        facts["fps"] = "\(plan.dataset.fps)"
        facts["orientation"] = plan.dataset.facts.flip ?? FrameOrientation.asStored.rawValue
        facts["episodes"] = plan.episodes.map { "\($0.length)" }.joined(separator: " ")
        facts["files"] = try plan.dataset.sourceFiles.map { path in
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            let time = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
            return "\(path) \((attributes?[.size] as? NSNumber)?.intValue ?? 0) \(time)"
        }.joined(separator: "\n")
        return facts
    }

    /// Lets others write here, after an error.
    func giveUp() { staged.giveUp() }

    /// Removes the notes and gives the folder its name.
    func end() throws { try staged.end() }
}
