import DataCore
import Video

/// Finds where a film goes from one shot to the next, by hard cuts: frames that differ from the one before them much more
/// than their neighbours do. Fades have no such frame and are not found.
enum CutFinder {
    /// Columns and rows of the grid of mean colours that stands for a picture.
    private static let (columns, rows) = (16, 9)
    /// Pixels of a cell that are looked at, in each direction.
    private static let samples = 8
    /// Mean difference of colours, of 255, below which no two shots are told apart; noise and motion make less.
    private static let least = 16.0
    /// How much more than its neighbours' a cut's difference is.
    private static let ratio = 4.0
    /// Frames on both sides that are its neighbours.
    private static let reach = 4

    /// First frames of shots, without the first one, counted at the dataset's rate.
    ///
    /// - Throws: `DataError` for a frame that cannot be decoded.
    static func cuts(of clip: Clip, fps: Double) throws -> [Int] {
        let source = try ClipSource(clip)
        var last: [Double]?
        var differences: [Double] = []
        for frame in 0..<clip.length(fps: fps) {
            let cells = self.cells(try source.image(frame, fps: fps))
            if let last {
                differences.append(zip(last, cells).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(cells.count))
            }
            last = cells
        }
        return cuts(differences)
    }

    /// - Parameter differences: of each frame from the one before it, from frame 1 on.
    static func cuts(_ differences: [Double]) -> [Int] {
        differences.indices.filter { place in
            guard differences[place] >= least else { return false }
            let near = max(0, place - reach)..<min(differences.count, place + reach + 1)
            let others = near.filter { $0 != place }.map { differences[$0] }.sorted()
            // Of a few frames nothing tells a cut from motion but its size.
            let usual = others.isEmpty ? 0 : others[others.count / 2]
            return differences[place] >= ratio * usual
        }.map { $0 + 1 }
    }

    private static func cells(_ image: RGBImage) -> [Double] {
        var cells: [Double] = []
        cells.reserveCapacity(rows * columns * 3)
        image.pixels.withUnsafeBufferPointer { pixels in
            for row in 0..<rows {
                for column in 0..<columns {
                    var sums = (0, 0, 0)
                    for y in 0..<samples {
                        let line = (row * samples + y) * image.height / (rows * samples)
                        for x in 0..<samples {
                            let place =
                                (line * image.width + (column * samples + x) * image.width / (columns * samples)) * 3
                            sums.0 += Int(pixels[place])
                            sums.1 += Int(pixels[place + 1])
                            sums.2 += Int(pixels[place + 2])
                        }
                    }
                    let count = Double(samples * samples)
                    cells += [Double(sums.0) / count, Double(sums.1) / count, Double(sums.2) / count]
                }
            }
        }
        return cells
    }
}
