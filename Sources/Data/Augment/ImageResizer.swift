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
            // SAFETY: the crop lies inside the image (checked by the caller) and firsts + counts <= table.input ==
            // box.width, so every source index is below image.pixels.count; targets run over 0 ..< count once.
            image.pixels.withUnsafeBufferPointer { source in
                table.weights.withUnsafeBufferPointer { weights in
                    var out = 0
                    for y in box.top..<(box.top + box.height) {
                        let line = y * stride + box.left * 3
                        if table.input == table.output {
                            for x in 0..<(table.output * 3) { target[out + x] = source[line + x] }
                            out += table.output * 3
                            continue
                        }
                        for x in 0..<table.output {
                            var (red, green, blue) = (ResizeTable.half, ResizeTable.half, ResizeTable.half)
                            var pixel = line + table.firsts[x] * 3
                            let base = x * table.taps
                            for tap in base..<(base + table.counts[x]) {
                                let weight = weights[tap]
                                red &+= weight &* Int32(source[pixel])
                                green &+= weight &* Int32(source[pixel + 1])
                                blue &+= weight &* Int32(source[pixel + 2])
                                pixel += 3
                            }
                            target[out] = rounded(red)
                            target[out + 1] = rounded(green)
                            target[out + 2] = rounded(blue)
                            out += 3
                        }
                    }
                }
            }
            initialized = count
        }
    }

    /// Columns of an image of `table.input` rows, resized to `table.output` rows.
    private static func vertical(_ pixels: [UInt8], width: Int, _ table: ResizeTable) -> [UInt8] {
        let stride = width * 3
        var sums = [Int32](repeating: 0, count: stride)
        return [UInt8](unsafeUninitializedCapacity: table.output * stride) { target, initialized in
            // SAFETY: pixels has table.input rows of `stride` bytes and firsts + counts <= table.input; targets run
            // over 0 ..< output · stride once.
            pixels.withUnsafeBufferPointer { source in
                sums.withUnsafeMutableBufferPointer { sums in
                    for y in 0..<table.output {
                        sums.update(repeating: ResizeTable.half)
                        for tap in 0..<table.counts[y] {
                            let weight = table.weights[y * table.taps + tap]
                            let line = (table.firsts[y] + tap) * stride
                            for x in 0..<stride { sums[x] &+= weight &* Int32(source[line + x]) }
                        }
                        for x in 0..<stride { target[y * stride + x] = rounded(sums[x]) }
                    }
                }
            }
            initialized = table.output * stride
        }
    }

    /// Rounded weights may sum to a little more than 1.
    private static func rounded(_ sum: Int32) -> UInt8 {
        UInt8(truncatingIfNeeded: min(sum >> ResizeTable.fractionBits, 255))
    }
}
