import Foundation
import NN
import Tensor

/// Fixed positions of patches as LaWAM has them: sinusoids of time, row and column, narrower than the model and all added to its
/// first channels, so that these overlap and the last channels have none. Weights trained so need it so.
public enum AddedPositions {
    /// Of patches of several frames, `[frames, rows, columns, width]`: time over half of the channels, row and column over a
    /// quarter.
    public static func ofFrames(_ frames: Int, rows: Int, columns: Int, width: Int) -> [Float] {
        let times = SinusoidalPositions.table(count: frames, width: width / 2)
        let downs = SinusoidalPositions.table(count: rows, width: width / 4)
        let acrossWidth = width - width / 2 - width / 4
        let across = SinusoidalPositions.table(count: columns, width: acrossWidth)
        return table(
            (0..<frames).flatMap { frame in
                (0..<rows).flatMap { row in
                    (0..<columns).map {
                        [(times, width / 2, frame), (downs, width / 4, row), (across, acrossWidth, $0)]
                    }
                }
            }, width: width)
    }

    /// Of one frame, `[rows, columns, width]`: row and column over half of the channels.
    public static func ofFrame(rows: Int, columns: Int, width: Int) -> [Float] {
        let downs = SinusoidalPositions.table(count: rows, width: width / 2)
        let across = SinusoidalPositions.table(count: columns, width: width - width / 2)
        return table(
            (0..<rows).flatMap { row in
                (0..<columns).map { [(downs, width / 2, row), (across, width - width / 2, $0)] }
            }, width: width)
    }

    private static func table(_ places: [[(table: [Float], width: Int, row: Int)]], width: Int) -> [Float] {
        var result = [Float](repeating: 0, count: places.count * width)
        for (place, parts) in places.enumerated() {
            for part in parts {
                for channel in 0..<part.width {
                    result[place * width + channel] += part.table[part.row * part.width + channel]
                }
            }
        }
        return result
    }
}
