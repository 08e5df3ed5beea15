import Foundation
import Randomness

extension CropBox {
    private static let attempts = 10

    /// A part of a picture as `torchvision.transforms.RandomResizedCrop` draws it: area uniform in `area` of the picture's, width by
    /// height log-uniform in `sides`, at a uniform place; after ten draws that do not fit, the largest part of such sides in the
    /// middle.
    ///
    /// - Precondition: the picture is not empty; both ranges are above 0.
    static func random(
        inHeight height: Int, width: Int, area: ClosedRange<Double>, sides: ClosedRange<Double>,
        using generator: inout RandomGenerator
    ) -> CropBox {
        let whole = Double(height) * Double(width)
        for _ in 0..<attempts {
            let target = whole * generator.uniform(in: area)
            let ratio = exp(generator.uniform(in: log(sides.lowerBound)...log(sides.upperBound)))
            // Python rounds halves to even.
            let columns = Int((target * ratio).squareRoot().rounded(.toNearestOrEven))
            let rows = Int((target / ratio).squareRoot().rounded(.toNearestOrEven))
            guard (1...width).contains(columns), (1...height).contains(rows) else { continue }
            return CropBox(
                top: generator.integer(in: 0...(height - rows)), left: generator.integer(in: 0...(width - columns)),
                height: rows, width: columns)
        }
        let own = Double(width) / Double(height)
        let ratio = min(max(own, sides.lowerBound), sides.upperBound)
        let columns = own > ratio ? Int((Double(height) * ratio).rounded(.toNearestOrEven)) : width
        let rows = own < ratio ? Int((Double(width) / ratio).rounded(.toNearestOrEven)) : height
        let (clippedRows, clippedColumns) = (min(height, max(1, rows)), min(width, max(1, columns)))
        return CropBox(
            top: (height - clippedRows) / 2, left: (width - clippedColumns) / 2, height: clippedRows,
            width: clippedColumns)
    }
}
