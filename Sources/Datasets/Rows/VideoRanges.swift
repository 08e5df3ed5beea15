/// Two episodes that claim the same frames of a video.
struct VideoOverlap {
    let first: Int
    let second: Int
    /// Frames that both claim, at least 1.
    let frames: Int
}

/// Where the frames of one camera's episodes lie in its videos, by `from_timestamp` and the episodes' lengths.
struct VideoRanges {
    /// By position in the table of episodes; nil where an episode has no video.
    private(set) var locations: [VideoLocation?]
    /// The first overlap, in the order of files and times.
    private(set) var overlap: VideoOverlap?

    /// A range may begin earlier than the one before it ends by fractions of a frame: `from_timestamp` is a sum of durations
    /// that containers round.
    private static let frame = 1 - 1e-3

    init(_ rows: [EpisodeRow], camera: Int, fps: Double) {
        locations = Array(repeating: nil, count: rows.count)
        var files: [FileNumber: [Int]] = [:]
        var order: [FileNumber] = []
        for (position, row) in rows.enumerated() {
            guard let place = row.videos[camera] else { continue }
            if files[place.file] == nil { order.append(place.file) }
            files[place.file, default: []].append(position)
        }
        func from(_ position: Int) -> Double { rows[position].videos[camera]?.from ?? 0 }
        for file in order {
            let positions = (files[file] ?? []).sorted { (from($0), $0) < (from($1), $1) }
            let frames = positions.reduce(0) { $0 + rows[$1].length }
            var end = 0.0
            var before = 0
            var follows = true
            var befores: [Int] = []
            for (place, position) in positions.enumerated() {
                let start = from(position) * fps
                let gap = start - end
                if abs(gap) >= Self.frame { follows = false }
                if place > 0, gap <= -Self.frame, overlap == nil {
                    let shared = min(Int((-gap).rounded()), rows[position].length)
                    overlap = VideoOverlap(
                        first: rows[positions[place - 1]].episodeIndex, second: rows[position].episodeIndex,
                        frames: max(1, shared))
                }
                befores.append(before)
                before += rows[position].length
                end = start + Double(rows[position].length)
            }
            for (position, before) in zip(positions, befores) {
                locations[position] = VideoLocation(
                    file: file, fromTimestamp: from(position), framesBefore: before, framesInFile: frames,
                    followsLengths: follows)
            }
        }
    }
}
