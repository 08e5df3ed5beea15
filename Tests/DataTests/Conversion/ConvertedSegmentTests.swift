import Conversion
import Foundation
import LAMData
import TestSupport
import Testing

@Suite("Segments of converted datasets")
struct ConvertedSegmentTests {
    /// Episodes 0 and 2, which become 0 and 1.
    private static let gap = "cases/15-verify-against-index/gap_lines"

    private func segments(
        _ format: DatasetInfo.Version, _ source: ActionConfig.Source, in folder: TemporaryFolder
    ) throws -> [[ActionSegment]] {
        var options = ConversionOptions()
        (options.format, options.actionConfig) = (format, source)
        let path = folder.path(UUID().uuidString)
        _ = try DatasetConversion(CaseCopy.original(Self.gap), to: path, options).run()
        let converted = try LeRobotDataset(root: path, name: "converted")
        let entries = try converted.actionEntries()
        return converted.episodes.map { episode in
            (entries[episode.episodeIndex] ?? []).compactMap {
                if case .segment(let segment) = $0 { segment } else { nil }
            }
        }
    }

    @Test(
        "are those of the episodes that they were made of, also where a number is missing", arguments: ["v2.1", "v3.0"])
    func gaps(version: String) throws {
        let format = try #require(DatasetInfo.Version(rawValue: version))
        let folder = try TemporaryFolder()
        let whole = ActionSegment(startFrame: 0, endFrame: 8, text: "pick up the red block")
        #expect(try segments(format, .whole, in: folder) == [[whole], [whole]])
        let file = folder.path("segments.jsonl")
        try Data(
            #"{"episode_index": 2, "action_config": [{"start_frame": 1, "end_frame": 5, "action_text": "lift"}]}"#.utf8
        ).write(to: URL(fileURLWithPath: file))
        let lift = ActionSegment(startFrame: 1, endFrame: 5, text: "lift")
        #expect(try segments(format, .file(file), in: folder) == [[], [lift]])
    }

    @Test("are a member of every line of v2.1, or of none")
    func lines() throws {
        let folder = try TemporaryFolder()
        let file = folder.path("segments.jsonl")
        try Data(#"{"episode_index": 2, "action_config": []}"#.utf8).write(to: URL(fileURLWithPath: file))
        for (source, count) in [(ActionConfig.Source?.none, 0), (.file(file), 2)] {
            var options = ConversionOptions()
            (options.format, options.actionConfig) = (.v21, source)
            let path = folder.path("\(count)")
            _ = try DatasetConversion(CaseCopy.original(Self.gap), to: path, options).run()
            let lines = try String(contentsOfFile: path + "/meta/episodes.jsonl", encoding: .utf8).split(
                separator: "\n")
            #expect(lines.count == 2 && lines.count { $0.contains(#""action_config""#) } == count, "\(lines)")
        }
    }
}
