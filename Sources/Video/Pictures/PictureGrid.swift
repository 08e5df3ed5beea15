import DataCore

/// A picture as a grid of mean colours, for telling pictures apart: shots, still frames, episodes recorded twice.
package struct PictureGrid: Sendable, Equatable {
    private static let (columns, rows) = (16, 9)
    /// Pixels of a cell that are looked at, in each direction.
    private static let samples = 8

    /// Red, green and blue of each cell, 0 … 255, rows from the top.
    private let cells: [Float]

    package init(_ image: RGBImage) {
        var cells: [Float] = []
        cells.reserveCapacity(Self.rows * Self.columns * 3)
        let (width, height) = (image.width, image.height)
        let (across, down) = (Self.columns * Self.samples, Self.rows * Self.samples)
        image.pixels.withUnsafeBufferPointer { pixels in
            for row in 0..<Self.rows {
                for column in 0..<Self.columns {
                    var sums = (0, 0, 0)
                    for y in 0..<Self.samples {
                        let line = (row * Self.samples + y) * height / down * width
                        for x in 0..<Self.samples {
                            let place = (line + (column * Self.samples + x) * width / across) * 3
                            sums.0 += Int(pixels[place])
                            sums.1 += Int(pixels[place + 1])
                            sums.2 += Int(pixels[place + 2])
                        }
                    }
                    let count = Float(Self.samples * Self.samples)
                    cells += [Float(sums.0) / count, Float(sums.1) / count, Float(sums.2) / count]
                }
            }
        }
        self.cells = cells
    }

    /// Mean over all cells.
    package var brightness: Double { Double(cells.reduce(0, +)) / Double(cells.count) }

    /// Mean absolute difference of the cells, in levels of 255.
    package func difference(from other: PictureGrid) -> Double {
        var sum: Float = 0
        for (one, two) in zip(cells, other.cells) { sum += abs(one - two) }
        return Double(sum) / Double(cells.count)
    }

    /// The same of the cell that differs most.
    package func largestDifference(from other: PictureGrid) -> Double {
        Double(zip(cells, other.cells).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) })
    }

    /// Mean absolute difference of what is left when both have the same brightness: small where only the light changed.
    package func shapeDifference(from other: PictureGrid) -> Double {
        let shift = Float(brightness - other.brightness)
        var sum: Float = 0
        for (one, two) in zip(cells, other.cells) { sum += abs(one - two - shift) }
        return Double(sum) / Double(cells.count)
    }

    /// First frames of shots, without the first one: those that differ from the one before them much more than the frames
    /// around them do. Fades have no such frame.
    ///
    /// - Parameter differences: of each frame from the one before it, from frame 1 on.
    package static func cuts(_ differences: [Double]) -> [Int] {
        differences.indices.filter { place in
            guard differences[place] >= least else { return false }
            let near = max(0, place - reach)..<min(differences.count, place + reach + 1)
            let others = near.filter { $0 != place }.map { differences[$0] }.sorted()
            // Of a few frames nothing tells a cut from motion but its size.
            let usual = others.isEmpty ? 0 : others[others.count / 2]
            return differences[place] >= ratio * usual
        }.map { $0 + 1 }
    }

    /// Difference below which no two shots are told apart; noise and motion make less.
    private static let least = 16.0
    /// How much more than its neighbours' a cut's difference is.
    private static let ratio = 4.0
    /// Frames on both sides that are its neighbours.
    private static let reach = 4
}
