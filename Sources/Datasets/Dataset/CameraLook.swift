import DataCore
import PixelKernels
import Video

/// What is done to the decoded pictures of one camera before anybody sees them.
public struct CameraLook: Sendable, Hashable {
    public var flip: FrameOrientation
    public var exchangesRedAndBlue: Bool
    /// Which distances of a depth camera become 0 … 255, in its unit.
    public var depthRange: ClosedRange<Double>?
    /// Whether pictures that say that they are RGB are believed, whatever is usual.
    public var obeysMarks: Bool

    public init(
        flip: FrameOrientation = .asStored, exchangesRedAndBlue: Bool = false, depthRange: ClosedRange<Double>? = nil,
        obeysMarks: Bool = false
    ) {
        (self.flip, self.exchangesRedAndBlue, self.depthRange) = (flip, exchangesRedAndBlue, depthRange)
        self.obeysMarks = obeysMarks
    }

    package func applied(to image: RGBImage) -> RGBImage { applied(to: image, exchanging: exchangesRedAndBlue) }

    package func applied(to image: RGBImage, exchanging: Bool) -> RGBImage {
        let image = flip.upright(image)
        guard exchanging else { return image }
        var pixels = image.pixels
        lam_pixels_exchange(&pixels, pixels.count / 3)
        return RGBImage(width: image.width, height: image.height, pixels: pixels)
    }

    /// All that pixels depend on, for caches of what was made from them.
    package var fact: String {
        let range = depthRange.map { "\($0.lowerBound) \($0.upperBound)" } ?? "none"
        return
            "flip \(flip.rawValue), red and blue \(exchangesRedAndBlue ? "exchanged" : "as stored")\(obeysMarks ? " or as marked" : ""), depth \(range)"
    }
}

/// Something about a camera's pictures that a user should know: what was assumed, and what says so.
public struct LookNote: Sendable, Hashable {
    public let text: String
    /// Whether two places contradict each other.
    public let isWarning: Bool

    public init(_ text: String, isWarning: Bool = false) { (self.text, self.isWarning) = (text, isWarning) }
}
