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

    /// Changes pixels in place.
    ///
    /// - Parameter pixels: RGB triples of one whole image: contrast needs its mean.
    public func apply(to pixels: inout [UInt8]) {
        for step in order {
            switch step {
            case .brightness: Self.blend(&pixels, with: 0, Float(brightness))
            case .contrast: Self.blend(&pixels, with: Self.meanGrey(pixels), Float(contrast))
            case .saturation: Self.saturate(&pixels, Float(saturation))
            case .hue: Self.turnHue(&pixels, by: UInt8(truncatingIfNeeded: Int(hue * 255)))
            }
        }
    }

    // MARK: Steps

    private static func blended(_ value: UInt8, with other: UInt8, _ factor: Float) -> UInt8 {
        let mixed = Float(other) + factor * Float(Int32(value) - Int32(other))
        return UInt8(max(0, min(255, mixed)))
    }

    private static func blend(_ pixels: inout [UInt8], with other: UInt8, _ factor: Float) {
        let table = (0...255).map { blended(UInt8($0), with: other, factor) }
        // SAFETY: table has 256 entries, one for every UInt8.
        table.withUnsafeBufferPointer { table in
            pixels.withUnsafeMutableBufferPointer { pixels in
                for i in pixels.indices { pixels[i] = table[Int(pixels[i])] }
            }
        }
    }

    /// ITU-R 601-2 luma with 16 fractional bits.
    private static func grey(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
        let sum = 19595 &* UInt32(red) &+ 38470 &* UInt32(green) &+ 7471 &* UInt32(blue) &+ 32768
        return UInt8(truncatingIfNeeded: sum >> 16)
    }

    private static func meanGrey(_ pixels: [UInt8]) -> UInt8 {
        guard pixels.count >= 3 else { return 0 }
        var sum = 0
        // SAFETY: i + 2 < pixels.count in every round.
        pixels.withUnsafeBufferPointer { pixels in
            var i = 0
            while i + 2 < pixels.count {
                sum &+= Int(grey(pixels[i], pixels[i + 1], pixels[i + 2]))
                i += 3
            }
        }
        return UInt8(Double(sum) / Double(pixels.count / 3) + 0.5)
    }

    private static func saturate(_ pixels: inout [UInt8], _ factor: Float) {
        // SAFETY: i + 2 < pixels.count in every round.
        pixels.withUnsafeMutableBufferPointer { pixels in
            var i = 0
            while i + 2 < pixels.count {
                let grey = grey(pixels[i], pixels[i + 1], pixels[i + 2])
                pixels[i] = blended(pixels[i], with: grey, factor)
                pixels[i + 1] = blended(pixels[i + 1], with: grey, factor)
                pixels[i + 2] = blended(pixels[i + 2], with: grey, factor)
                i += 3
            }
        }
    }

    // MARK: Hue

    private static func turnHue(_ pixels: inout [UInt8], by turn: UInt8) {
        // SAFETY: i + 2 < pixels.count in every round.
        pixels.withUnsafeMutableBufferPointer { pixels in
            var i = 0
            while i + 2 < pixels.count {
                let (hue, saturation, value) = hsv(pixels[i], pixels[i + 1], pixels[i + 2])
                (pixels[i], pixels[i + 1], pixels[i + 2]) = rgb(hue &+ turn, saturation, value)
                i += 3
            }
        }
    }

    /// 8-bit hue (255 a turn), saturation and value; hue and saturation are cut off, not rounded.
    private static func hsv(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> (UInt8, UInt8, UInt8) {
        let highest = max(red, green, blue)
        let lowest = min(red, green, blue)
        guard highest != lowest else { return (0, 0, highest) }
        let range = Float(highest - lowest)
        let saturation = range / Float(highest)
        let toRed = Float(highest - red) / range
        let toGreen = Float(highest - green) / range
        let toBlue = Float(highest - blue) / range
        // Sextants of the colour circle; the mixture of Float and Double is part of the result.
        let sextant: Float
        if red == highest {
            sextant = toBlue - toGreen
        } else if green == highest {
            sextant = Float(2.0 + Double(toRed) - Double(toBlue))
        } else {
            sextant = Float(4.0 + Double(toGreen) - Double(toRed))
        }
        let shifted = Double(sextant) / 6 + 1
        let turns = Float(shifted >= 1 ? shifted - 1 : shifted)
        return (UInt8(min(255, Double(turns) * 255)), UInt8(Double(saturation) * 255), highest)
    }

    private static func rgb(_ hue: UInt8, _ saturation: UInt8, _ value: UInt8) -> (UInt8, UInt8, UInt8) {
        guard saturation != 0 else { return (value, value, value) }
        let sextants = Double(hue) * 6 / 255
        let sextant = Int(sextants)
        let fraction = Double(Float(sextants - Double(sextant)))
        let s = Double(Float(Double(saturation) / 255))
        let v = Double(value)
        func rounded(_ x: Double) -> UInt8 { UInt8(x + 0.5) }
        let low = rounded(v * (1 - s))
        switch sextant {
        case 1: return (rounded(v * (1 - s * fraction)), value, low)
        case 2: return (low, value, rounded(v * (1 - s * (1 - fraction))))
        case 3: return (low, rounded(v * (1 - s * fraction)), value)
        case 4: return (rounded(v * (1 - s * (1 - fraction))), low, value)
        case 5: return (value, low, rounded(v * (1 - s * fraction)))
        default: return (value, rounded(v * (1 - s * (1 - fraction))), low)
        }
    }
}
