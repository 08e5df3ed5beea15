import DataCore
import PixelKernels

/// A rectangle of an image in pixels.
public struct CropBox: Sendable, Hashable {
    public var top: Int
    public var left: Int
    public var height: Int
    public var width: Int

    public init(top: Int, left: Int, height: Int, width: Int) {
        (self.top, self.left, self.height, self.width) = (top, left, height, width)
    }

    /// The whole of an image.
    public init(of image: RGBImage) {
        self.init(top: 0, left: 0, height: image.height, width: image.width)
    }
}

/// Crops and resizes with antialiased bilinear filtering, equal to `torchvision.transforms.functional.resized_crop` on
/// PIL images. Keeps the filter tables of the sizes seen last: one instance per thread.
public struct ImageResizer {
    private var tables: [[Int]: ResizeTable] = [:]

    public init() {}

    /// The part of `image` inside `box`, resized to `height` × `width`; copied unchanged where the sizes are equal.
    ///
    /// - Precondition: `box` is not empty and lies inside the image; the new sizes are positive.
    public mutating func resizedCrop(_ image: RGBImage, _ box: CropBox, height: Int, width: Int) -> RGBImage {
        precondition(
            box.top >= 0 && box.left >= 0 && box.height > 0 && box.width > 0
                && box.top + box.height <= image.height && box.left + box.width <= image.width,
            "crop \(box) does not lie inside an image of \(image.width)x\(image.height)")
        if box == CropBox(of: image), height == image.height, width == image.width { return image }

        // The horizontal pass comes first and rounds to 8 bits, so the order shows in the result.
        let columns = table(box.width, width)
        let rows = table(box.height, height)
        let narrow = Self.horizontal(image, box, columns)
        guard box.height != height else { return RGBImage(width: width, height: height, pixels: narrow) }
        return RGBImage(width: width, height: height, pixels: Self.vertical(narrow, width: width, rows))
    }

    /// The whole image resized.
    public mutating func resized(_ image: RGBImage, height: Int, width: Int) -> RGBImage {
        resizedCrop(image, CropBox(of: image), height: height, width: width)
    }

    private mutating func table(_ input: Int, _ output: Int) -> ResizeTable {
        if let known = tables[[input, output]] { return known }
        // Image features may come in any size; a run of them must not fill the memory with tables.
        if tables.count >= 32 { tables.removeAll() }
        let table = ResizeTable(input: input, output: output)
        tables[[input, output]] = table
        return table
    }

    /// Rows of `box`, each resized to `table.output` pixels: `[box.height, table.output, 3]`.
    private static func horizontal(_ image: RGBImage, _ box: CropBox, _ table: ResizeTable) -> [UInt8] {
        let count = box.height * table.output * 3
        let stride = image.width * 3
        return [UInt8](unsafeUninitializedCapacity: count) { target, initialized in
            // SAFETY: the crop lies inside the image (checked by the caller) and is not empty; `table.input` is its
            // width, and firsts + counts <= table.input. Lines of table.output pixels fill the target once.
            image.pixels.withUnsafeBufferPointer { source in
                let first = source.baseAddress! + box.top * stride + box.left * 3
                if table.input == table.output {
                    for y in 0..<box.height {
                        (target.baseAddress! + y * box.width * 3).initialize(
                            from: first + y * stride, count: box.width * 3)
                    }
                } else {
                    lam_pixels_resize_lines(
                        first, stride, target.baseAddress!, box.height, table.input, table.output, table.taps,
                        table.firsts, table.counts, table.weights)
                }
            }
            initialized = count
        }
    }

    /// Columns of an image of `table.input` rows, resized to `table.output` rows.
    private static func vertical(_ pixels: [UInt8], width: Int, _ table: ResizeTable) -> [UInt8] {
        let stride = width * 3
        return [UInt8](unsafeUninitializedCapacity: table.output * stride) { target, initialized in
            // SAFETY: pixels has table.input rows of `stride` bytes and firsts + counts <= table.input; the target has
            // room for the rows that are written, at least one.
            lam_pixels_resize_columns(
                pixels, target.baseAddress!, stride, table.output, table.taps, table.firsts, table.counts,
                table.weights)
            initialized = table.output * stride
        }
    }
}
