import DataCore
import Formats
import Foundation
import Video

/// The folder in which a dataset grows, `DEST.partial`, with the notes by which an interrupted conversion goes on.
struct ConversionFolder {
    let destination: String
    var partial: String { destination + ".partial" }

    init(_ destination: String) {
        self.destination =
            destination.count > 1 && destination.hasSuffix("/") ? String(destination.dropLast()) : destination
    }

    /// Where it stands what is known of a finished episode's pictures.
    func note(_ episode: Int) -> String { "\(partial)/.conversion/episode_\(episode).json" }

    /// Makes the folder of the unfinished dataset, or checks that the one there belongs to this conversion.
    func begin(_ plan: ConversionPlan) throws {
        let path = "\(partial)/.conversion/options.json"
        let facts = try Self.facts(plan)
        if FileManager.default.fileExists(atPath: partial), !isBarelyBegun {
            guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)),
                let known = try? JSONDecoder().decode([String: String].self, from: data)
            else { throw ConversionError.otherConversion(path: partial, what: "that it tells nothing of itself") }
            if let key = Set(facts.keys).union(known.keys).sorted().first(where: { facts[$0] != known[$0] }) {
                throw ConversionError.otherConversion(path: partial, what: key)
            }
            return
        }
        try Self.create(for: path)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try AtomicFile.write(Array(encoder.encode(facts)), to: path)
    }

    /// Whether nothing is there yet but what a conversion begins with, which was ended before it could say what it is.
    private var isBarelyBegun: Bool {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: partial)) ?? [partial]
        return names.allSatisfy { $0 == ".conversion" || $0.hasPrefix(".conversion/options.json.tmp-") }
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

    /// Removes the notes and gives the folder its name.
    func end() throws {
        try FileManager.default.removeItem(atPath: "\(partial)/.conversion")
        // `rename` of folders replaces an empty one only: what somebody put there meanwhile stays.
        guard rename(partial, destination) == 0 else {
            throw ConversionError.unwritable(path: destination, reason: String(cString: strerror(errno)))
        }
        try AtomicFile.syncFolder(of: destination)
    }

    /// Makes the folder that a file is to be in.
    static func create(for path: String) throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw ConversionError.unwritable(path: folder, reason: error.localizedDescription)
        }
    }
}
