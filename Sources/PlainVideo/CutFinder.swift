import DataCore
import Video

/// Finds where a film goes from one shot to the next, by hard cuts.
enum CutFinder {
    /// First frames of shots, without the first one, counted at the dataset's rate.
    ///
    /// - Throws: `DataError` for a frame that cannot be decoded.
    static func cuts(of clip: Clip, fps: Double) throws -> [Int] {
        let source = try ClipSource(clip)
        var last: PictureGrid?
        var differences: [Double] = []
        for frame in 0..<clip.length(fps: fps) {
            let grid = PictureGrid(try source.image(frame, fps: fps))
            if let last { differences.append(grid.difference(from: last)) }
            last = grid
        }
        return PictureGrid.cuts(differences)
    }
}
