import CPNG

/// An 8-bit RGB image and its PNG form, through libpng.
public struct PNGImage: Sendable {
    public let width: Int
    public let height: Int
    /// `[height, width, 3]`, row-major.
    public let pixels: [UInt8]

    /// Bound on a decoded image: 16,384 x 16,384 pixels in three channels.
    private static let maximumBytes = 3 << 28

    /// - Parameter pixels: `height * width * 3` bytes.
    public init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(
            width >= 0 && height >= 0 && pixels.count == width * height * 3,
            "\(pixels.count) bytes are not \(height) x \(width) x 3")
        self.width = width
        self.height = height
        self.pixels = pixels
    }

    /// Decodes any PNG, converted to 8-bit RGB; transparent parts lie on black.
    /// - Throws: `FormatError.image`.
    public init(png: [UInt8]) throws(FormatError) {
        self = try png.withUnsafeBufferPointer { (bytes) throws(FormatError) -> PNGImage in
            var image = png_image()
            image.version = UInt32(PNG_IMAGE_VERSION)
            // libpng keeps both addresses from the first call to the last.
            return try withUnsafeMutablePointer(to: &image) { (image) throws(FormatError) -> PNGImage in
                try Self.decode(bytes, with: image)
            }
        }
    }

    private static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, with image: UnsafeMutablePointer<png_image>
    ) throws(FormatError) -> PNGImage {
        defer { png_image_free(image) }
        guard png_image_begin_read_from_memory(image, bytes.baseAddress, bytes.count) != 0 else {
            throw .image(.decode(message(image.pointee)))
        }
        image.pointee.format = rgb
        let (width, height) = (Int(image.pointee.width), Int(image.pointee.height))
        let (area, overflow) = width.multipliedReportingOverflow(by: height)
        guard !overflow, area > 0, area <= maximumBytes / 3 else {
            throw .image(.size(width: width, height: height))
        }
        var pixels = [UInt8](repeating: 0, count: area * 3)
        var black = png_color(red: 0, green: 0, blue: 0)
        guard png_image_finish_read(image, &black, &pixels, 0, nil) != 0 else {
            throw .image(.decode(message(image.pointee)))
        }
        return PNGImage(width: width, height: height, pixels: pixels)
    }

    /// The image as a PNG file.
    /// - Throws: `FormatError.image` for an empty image or one that PNG cannot hold.
    public func encoded() throws(FormatError) -> [UInt8] {
        guard width > 0, height > 0, let wide = UInt32(exactly: width), let high = UInt32(exactly: height) else {
            throw .image(.size(width: width, height: height))
        }
        var image = png_image()
        image.version = UInt32(PNG_IMAGE_VERSION)
        image.width = wide
        image.height = high
        image.format = Self.rgb
        defer { png_image_free(&image) }
        // Noise does not compress: room for the rows with their filter bytes, deflate's and the chunks' overhead.
        var capacity = (pixels.count + height) / 50 * 51 + 8192
        var output = [UInt8](repeating: 0, count: capacity)
        guard png_image_write_to_memory(&image, &output, &capacity, 0, pixels, 0, nil) != 0 else {
            throw .image(.encode(Self.message(image)))
        }
        output.removeSubrange(capacity...)
        return output
    }

    /// PNG_FORMAT_RGB, a macro that Swift does not import.
    private static let rgb = UInt32(PNG_FORMAT_FLAG_COLOR)

    private static func message(_ image: png_image) -> String {
        withUnsafeBytes(of: image.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
