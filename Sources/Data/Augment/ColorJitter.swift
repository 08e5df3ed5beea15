import PixelKernels
import Randomness

/// One drawn colour change, equal to `torchvision.transforms.ColorJitter` on PIL images for the same factors and order.
///
/// Brightness, contrast and saturation blend the image with black, with its mean grey and with its own grey:
/// `trunc(clip(b + f · (a − b), 0, 255))` in Float. Hue turns the 8-bit hue of Pillow's HSV by `trunc(255 · hue)`.
public struct ColorJitter: Sendable, Hashable {
    public enum Step: String, Sendable, CaseIterable {
        case brightness, contrast, saturation, hue
    }

    public var brightness: Double
    public var contrast: Double
    public var saturation: Double
    /// In turns, −0.5 … 0.5.
    public var hue: Double
    /// The steps to take, first one first.
    public var order: [Step]
    /// Turns the hue as `torchvision` does on tensors, in Float, and not Pillow's 8-bit hue.
    public var turnsExactly = false

    public init(brightness: Double, contrast: Double, saturation: Double, hue: Double, order: [Step]) {
        (self.brightness, self.contrast, self.saturation, self.hue) = (brightness, contrast, saturation, hue)
        self.order = order
    }

    /// The original's distribution: brightness, contrast and saturation in [0.8, 1.2], hue in [−0.05, 0.05], any order.
    public init(using generator: inout RandomGenerator) {
        order = generator.permutation(Step.allCases.count).map { Step.allCases[$0] }
        brightness = generator.uniform(in: 0.8...1.2)
        contrast = generator.uniform(in: 0.8...1.2)
        saturation = generator.uniform(in: 0.8...1.2)
        hue = generator.uniform(in: -0.05...0.05)
    }

    /// LaWAM's distribution: brightness and contrast in [0.8, 1.2], saturation in [0.75, 1.25], hue in [−0.04, 0.04], any
    /// order, on tensors.
    public static func lawam(using generator: inout RandomGenerator) -> ColorJitter {
        let order = generator.permutation(Step.allCases.count).map { Step.allCases[$0] }
        var jitter = ColorJitter(
            brightness: generator.uniform(in: 0.8...1.2), contrast: generator.uniform(in: 0.8...1.2),
            saturation: generator.uniform(in: 0.75...1.25), hue: generator.uniform(in: -0.04...0.04), order: order)
        jitter.turnsExactly = true
        return jitter
    }

    /// Changes pixels in place.
    ///
    /// - Parameter pixels: RGB triples of one whole image: contrast needs its mean.
    public func apply(to pixels: inout [UInt8]) {
        let count = pixels.count / 3
        for step in order {
            switch step {
            case .brightness: lam_pixels_blend(&pixels, pixels.count, 0, Float(brightness))
            case .contrast: lam_pixels_blend(&pixels, pixels.count, Self.meanGrey(pixels), Float(contrast))
            case .saturation: lam_pixels_saturate(&pixels, count, Float(saturation))
            case .hue where turnsExactly: lam_pixels_turn_hue_exactly(&pixels, count, Float(hue))
            case .hue: lam_pixels_turn_hue(&pixels, count, UInt8(truncatingIfNeeded: Int(hue * 255)))
            }
        }
    }

    private static func meanGrey(_ pixels: [UInt8]) -> UInt8 {
        let count = pixels.count / 3
        guard count > 0 else { return 0 }
        return UInt8(Double(lam_pixels_grey_sum(pixels, count)) / Double(count) + 0.5)
    }
}
