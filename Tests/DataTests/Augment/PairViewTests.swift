import Foundation
import LAMData
import Randomness
import TestSupport
import Testing

/// LaWAM's augmentation: its crops and colours, and two views of a pair.
@Suite struct PairViewTests {
    private func picture(width: Int, height: Int) -> RGBImage {
        let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 / 91) }
        return RGBImage(width: width, height: height, pixels: pixels)
    }

    private func draws(_ count: Int, width: Int, height: Int) -> [FrameTransform] {
        let augmentation = PairAugmentation(resolution: 64, imageAug: true, crop: .lawam)
        let frame = picture(width: width, height: height)
        return (0..<count).map { number in
            var generator = RandomGenerator(seed: 3, purpose: "draw", number)
            return augmentation.transforms(for: frame, frame, using: &generator).0
        }
    }

    @Test(
        "LaWAM's crops have 0.8 to 1 of the area and sides of 1 to 1.3, anywhere, of the middle that is at most 4 to 3")
    func crops() throws {
        let transforms = draws(400, width: 200, height: 90)
        let views = try transforms.map { try #require($0.view) }
        for (transform, view) in zip(transforms, views) {
            #expect(transform.crop == CropBox(top: 0, left: 40, height: 90, width: 120))
            #expect(view.top >= 0 && view.left >= 0 && view.top + view.height <= 64 && view.left + view.width <= 64)
            let share = Double(view.width * view.height) / (64 * 64), sides = Double(view.width) / Double(view.height)
            #expect((0.78...1).contains(share) && (0.96...1.33).contains(sides))
        }
        #expect(Set(views.map(\.top)).count > 5 && Set(views.map(\.height)).count > 5)
        let jitters = transforms.compactMap(\.jitter)
        #expect(jitters.allSatisfy { abs($0.hue) <= 0.04 && (0.75...1.25).contains($0.saturation) && $0.turnsExactly })
        #expect(jitters.contains { $0.saturation < 0.78 } && jitters.contains { $0.saturation > 1.22 })
        // A picture that is higher than wide is squeezed whole.
        #expect(draws(1, width: 30, height: 90)[0].crop == CropBox(top: 0, left: 0, height: 90, width: 30))
    }

    @Test("without augmentation the same middle is squeezed, and nothing is drawn")
    func evaluation() {
        let frame = picture(width: 200, height: 90)
        var generator = RandomGenerator(seed: 3, purpose: "draw", 0)
        let before = generator
        let transform = PairAugmentation(resolution: 64, imageAug: false, crop: .lawam).transforms(
            for: frame, frame, using: &generator
        ).0
        #expect(transform.view == nil && transform.jitter == nil && transform.crop.width == 120)
        var (drawn, untouched) = (generator, before)
        #expect(drawn.integer(below: 1 << 30) == untouched.integer(below: 1 << 30))
    }

    @Test("the exact turn of the hue leaves greys, and a turn there and back is near the start")
    func hue() {
        var jitter = ColorJitter(brightness: 1, contrast: 1, saturation: 1, hue: 0.3, order: [.hue])
        jitter.turnsExactly = true
        var greys: [UInt8] = (0...255).flatMap { [UInt8($0), UInt8($0), UInt8($0)] }
        let start = greys
        jitter.apply(to: &greys)
        #expect(greys == start)
        var colours = picture(width: 16, height: 16).pixels
        let before = colours
        jitter.apply(to: &colours)
        #expect(colours != before)
        jitter.hue = -0.3
        jitter.apply(to: &colours)
        #expect(zip(colours, before).allSatisfy { abs(Int($0) - Int($1)) <= 4 })
        // Red becomes green by a third of a turn.
        jitter.hue = 1.0 / 3
        var red: [UInt8] = [255, 0, 0]
        jitter.apply(to: &red)
        #expect(red[0] <= 1 && red[1] >= 254 && red[2] <= 1)
    }
}
