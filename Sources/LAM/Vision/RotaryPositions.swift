import Foundation
import Tensor

/// Rotary positions of a grid of patches (Su et al. 2021; in two dimensions as DINOv3 has them).
///
/// Rows and columns are coordinates `c = 2 (i + 0.5) / count - 1` in (-1, 1), each axis by its own count. Half of a
/// head's pairs turn with the row, half with the column, by `2 pi c / period_j`, `period_j = 100^(4 j / d)`,
/// `j < d / 4`. All steps are in f32, as in timm.
struct RotaryPositions {
    private static let base: Float = 100

    /// `[N, d / 2]`, one row per patch, rows of the grid first.
    let cosines: Tensor
    let sines: Tensor

    init(rows: Int, columns: Int, headWidth: Int, on backend: any Backend) {
        let angles = Self.angles(rows: rows, columns: columns, headWidth: headWidth)
        let shape = [rows * columns, headWidth / 2]
        cosines = backend.tensor(angles.map { cosf($0) }, shape)
        sines = backend.tensor(angles.map { sinf($0) }, shape)
    }

    private static func angles(rows: Int, columns: Int, headWidth: Int) -> [Float] {
        precondition(headWidth % 4 == 0, "a head of \(headWidth) has no pairs for rows and columns")
        let periods = (0..<headWidth / 4).map { powf(base, Float(4 * $0) / Float(headWidth)) }
        func turns(_ index: Int, of count: Int) -> [Float] {
            let coordinate = 2 * ((Float(index) + 0.5) / Float(count)) - 1
            return periods.map { 2 * Float.pi * coordinate / $0 }
        }
        let columnTurns = (0..<columns).map { turns($0, of: columns) }
        return (0..<rows).flatMap { row in
            let rowTurns = turns(row, of: rows)
            return columnTurns.flatMap { rowTurns + $0 }
        }
    }
}
