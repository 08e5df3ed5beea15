import LAMData
import Randomness
import Testing

@Suite struct AugmentTests {
    @Test("operations give torchvision's pixels", arguments: AugmentGoldens.cases)
    func goldens(_ golden: AugmentGoldens.Case) throws {
        let input = try #require(AugmentGoldens.shared.image("input|\(golden.input)"))
        let expected = try #require(AugmentGoldens.shared.image(golden.output))
        let result = try apply(golden, to: input)
        #expect((result.height, result.width) == (expected.height, expected.width))
        let difference = ImageDifference(result, expected)
        switch golden.op {
        case "resize", "resized_crop":
            // Pillow sums in the same integers; only the last bit of a weight may differ.
            #expect(difference.largest <= 1 && difference.mean <= 0.15)
        case "pipeline":
            #expect(difference.largest <= 1)
        default:
            #expect(difference.largest == 0)
        }
    }

    private func apply(_ golden: AugmentGoldens.Case, to input: RGBImage) throws -> RGBImage {
        let params = golden.params
        var resizer = ImageResizer()
        var jitter = ColorJitter(brightness: 1, contrast: 1, saturation: 1, hue: 0, order: [])
        func jittered(_ image: RGBImage) -> RGBImage {
            var pixels = image.pixels
            jitter.apply(to: &pixels)
            return RGBImage(width: image.width, height: image.height, pixels: pixels)
        }
        if let factors = params.factors, let order = params.order {
            jitter.brightness = try #require(factors["brightness"])
            jitter.contrast = try #require(factors["contrast"])
            jitter.saturation = try #require(factors["saturation"])
            jitter.hue = try #require(factors["hue"])
            jitter.order = try order.map { try #require(ColorJitter.Step(rawValue: $0)) }
        }
        switch golden.op {
        case "resize":
            let size = try #require(params.size)
            return resizer.resized(input, height: size[0], width: size[1])
        case "resized_crop":
            let size = try #require(params.size)
            let box = CropBox(
                top: try #require(params.top), left: try #require(params.left), height: try #require(params.height),
                width: try #require(params.width))
            return resizer.resizedCrop(input, box, height: size[0], width: size[1])
        case "color_jitter":
            return jittered(input)
        case "pipeline":
            let crop = try #require(params.crop)
            let size = try #require(params.final_resize)
            let transform = FrameTransform(
                crop: CropBox(top: crop.top, left: crop.left, height: crop.height, width: crop.width),
                croppedHeight: crop.size[0], croppedWidth: crop.size[1], jitter: jitter, resolution: size[0])
            return transform.apply(to: input, resizer: &resizer)
        default:
            let factor = try #require(params.factor)
            let step = try #require(ColorJitter.Step(rawValue: String(golden.op.dropFirst("adjust_".count))))
            (jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue) = (factor, factor, factor, factor)
            jitter.order = [step]
            return jittered(input)
        }
    }

    @Test("both frames of a pair get the same crop and colours, and unmoved frames stay equal")
    func sharedDraw() {
        let frame = noise(width: 64, height: 48, seed: 1)
        var generator = RandomGenerator(seed: 5, purpose: "test")
        var resizer = ImageResizer()
        let augmentation = PairAugmentation(resolution: 32, imageAug: true)
        var crops: Set<CropBox> = []
        for _ in 0..<50 {
            let (first, second) = augmentation.transforms(for: frame, frame, using: &generator)
            #expect(first == second)
            #expect(first.apply(to: frame, resizer: &resizer) == second.apply(to: frame, resizer: &resizer))
            crops.insert(first.crop)
        }
        // A square of 0.9 of the largest one: side 46 of 48, so 3 x 19 places.
        #expect(crops.allSatisfy { $0.height == 46 && $0.width == 46 })
        #expect(Set(crops.map(\.top)) == [0, 1, 2] && Set(crops.map(\.left)).count > 10)
    }

    @Test("independent draws differ within a pair")
    func independentDraw() {
        let frame = noise(width: 64, height: 48, seed: 1)
        var generator = RandomGenerator(seed: 5, purpose: "test")
        let augmentation = PairAugmentation(resolution: 32, imageAug: true, augmentPair: .independent)
        let pairs = (0..<20).map { _ in augmentation.transforms(for: frame, frame, using: &generator) }
        #expect(pairs.allSatisfy { $0.0 != $0.1 })
    }

    @Test("colour factors stay in the original's ranges and every order of steps occurs")
    func jitterDraws() {
        var generator = RandomGenerator(seed: 6, purpose: "test")
        let draws = (0..<1000).map { _ in ColorJitter(using: &generator) }
        for factors in [draws.map(\.brightness), draws.map(\.contrast), draws.map(\.saturation)] {
            #expect(factors.allSatisfy { (0.8...1.2).contains($0) })
            #expect((factors.min() ?? 1) < 0.81 && (factors.max() ?? 1) > 1.19)
        }
        #expect(draws.allSatisfy { (-0.05...0.05).contains($0.hue) })
        #expect(Set(draws.map(\.order)).count == 24)
    }

    @Test("without augmentation the crop is the same square in the middle and nothing is drawn")
    func centerCrop() {
        let frame = noise(width: 64, height: 48, seed: 1)
        var generator = RandomGenerator(seed: 5, purpose: "test")
        let before = generator
        let transform = PairAugmentation(resolution: 32, imageAug: false).transforms(
            for: frame, frame, using: &generator
        ).0
        #expect(generator == before)
        #expect(transform.crop == CropBox(top: 1, left: 9, height: 46, width: 46) && transform.jitter == nil)
    }

    @Test("crop: original gives the whole picture without augmentation and torchvision's boxes with it")
    func originalCrop() {
        var generator = RandomGenerator(seed: 5, purpose: "test")
        func crop(_ width: Int, _ height: Int, aug: Bool) -> FrameTransform {
            let frame = noise(width: width, height: height, seed: 1)
            return PairAugmentation(resolution: 96, imageAug: aug, crop: .original)
                .transforms(for: frame, frame, using: &generator).0
        }
        #expect(crop(64, 48, aug: false).crop == CropBox(top: 0, left: 0, height: 48, width: 64))
        // sqrt(0.9 · 64 · 48) = 53 > 48: the largest square in the middle.
        let wide = crop(64, 48, aug: true)
        #expect(wide.crop == CropBox(top: 0, left: 8, height: 48, width: 48) && wide.croppedWidth == 224)
        let square = (0..<50).map { _ in crop(96, 96, aug: true).crop }
        #expect(square.allSatisfy { $0.height == 91 && $0.width == 91 } && Set(square).count > 20)
    }

    @Test("any size of picture becomes resolution by resolution", arguments: CropOption.allCases)
    func anySize(_ crop: CropOption) {
        var generator = RandomGenerator(seed: 7, purpose: "test")
        var resizer = ImageResizer()
        for (width, height) in [(1, 1), (1, 7), (7, 1), (2, 3), (224, 224), (33, 500)] {
            for (aug, resolution) in [(true, 224), (false, 8), (true, 1)] {
                let frame = noise(width: width, height: height, seed: 3)
                let other = noise(width: height, height: width, seed: 4)
                let augmentation = PairAugmentation(resolution: resolution, imageAug: aug, crop: crop)
                let (first, second) = augmentation.transforms(for: frame, other, using: &generator)
                #expect(first.apply(to: frame, resizer: &resizer).width == resolution)
                #expect(second.apply(to: other, resizer: &resizer).height == resolution)
            }
        }
    }

    private func noise(width: Int, height: Int, seed: UInt64) -> RGBImage {
        var generator = RandomGenerator(seed: seed, purpose: "noise")
        let pixels = (0..<(width * height * 3)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        return RGBImage(width: width, height: height, pixels: pixels)
    }
}
