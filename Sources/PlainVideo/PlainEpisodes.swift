import DataCore
import Foundation
import Video

/// An episode of plain video: a run of frames of a clip, counted at the dataset's rate.
struct PlainEpisode: Sendable, Hashable {
    let clip: Int
    let start: Int
    /// At least 1.
    let length: Int
    let text: String?
}

/// Makes episodes of clips.
struct PlainEpisodes {
    let clips: [Clip]
    let fps: Double
    let root: String
    let dataset: String

    /// The clips as episodes, or the parts of them that a table names.
    ///
    /// - Parameter found: also clips that could not be read, which a table may name.
    /// - Throws: `DataError.segments` for files and times that are not there; what is wrong with instructions.
    func all(table: SegmentTable?, found: [ClipFolder.Entry]) throws -> (episodes: [PlainEpisode], notes: [String]) {
        var episodes: [PlainEpisode] = []
        var odd: [String] = []
        let known = Set(found.map(\.name))
        let strangers = (table?.rows ?? [:]).filter { !known.contains($0.key) }
        if let table, let stranger = strangers.min(by: { $0.value[0].line < $1.value[0].line }) {
            throw DataError.segments(
                path: table.path, line: stranger.value[0].line, expected: "a video or folder of pictures below \(root)",
                got: stranger.key)
        }
        var unlisted: [String] = []
        var overlaps: [(name: String, line: Int)] = []
        for (place, clip) in clips.enumerated() {
            let isFolder = if case .pictures = clip.content { true } else { false }
            let beside = try Sidecar.instruction(of: clip.path, isFolder: isFolder)
            if let note = beside.note { odd.append(note) }
            guard let table, let rows = table.rows[clip.name] else {
                if table != nil { unlisted.append(clip.name) }
                episodes.append(PlainEpisode(clip: place, start: 0, length: clip.length(fps: fps), text: beside.text))
                continue
            }
            let ordered = rows.sorted { ($0.start, $0.line) < ($1.start, $1.line) }
            if let pair = zip(ordered, ordered.dropFirst()).first(where: { $1.start < $0.end ?? .infinity }) {
                overlaps.append((clip.name, pair.1.line))
            }
            for row in rows {
                let frames = try self.frames(of: row, in: clip, table: table)
                episodes.append(
                    PlainEpisode(
                        clip: place, start: frames.lowerBound, length: frames.count, text: row.text ?? beside.text))
            }
        }
        var notes: [String] = []
        if let first = odd.first { notes.append(odd.count == 1 ? first : "\(first); so it is of \(odd.count) files") }
        if let first = unlisted.first {
            notes.append(
                "\(unlisted.count) of \(clips.count) videos are not in \(SegmentTable.name) and are taken whole (first: "
                    + "\(first))")
        }
        if let first = overlaps.first {
            notes.append(
                "rows of \(SegmentTable.name) overlap in \(overlaps.count) videos (first: line \(first.line), \(first.name)): some "
                    + "frames are in several episodes, of which one may be held out")
        }
        return (episodes, notes)
    }

    /// The frames that a row of the table names.
    private func frames(of row: SegmentTable.Row, in clip: Clip, table: SegmentTable) throws -> Range<Int> {
        let length = clip.length(fps: fps)
        let start = Int((row.start * fps).rounded())
        let end = row.end.map { Int(($0 * fps).rounded()) } ?? length
        // The last frame is shown for a while, and tables round.
        guard start < length, end <= length + 1 + Int(fps / 10) else {
            throw DataError.segments(
                path: table.path, line: row.line,
                expected: "times up to \((Double(length) / fps * 1000).rounded() / 1000) s, the end of \(clip.name)",
                got: "\(row.start) to \(row.end.map { "\($0)" } ?? "the end")")
        }
        return start..<max(start + 1, min(end, length))
    }

    /// Parts of episodes at the cuts of their clips.
    ///
    /// - Throws: `DataError`.
    func split(_ episodes: [PlainEpisode], threads: Int) throws -> [PlainEpisode] {
        let (clips, fps) = (clips, fps)
        let used = Set(episodes.map(\.clip)).sorted()
        let found = try concurrentMap(used, threads: threads) { try CutFinder.cuts(of: clips[$0], fps: fps) }
        let cuts = Dictionary(uniqueKeysWithValues: zip(used, found))
        return episodes.flatMap { episode -> [PlainEpisode] in
            let end = episode.start + episode.length
            let own = (cuts[episode.clip] ?? []).filter { $0 > episode.start && $0 < end }
            return zip([episode.start] + own, own + [end]).map { start, end in
                PlainEpisode(clip: episode.clip, start: start, length: end - start, text: episode.text)
            }
        }
    }
}
