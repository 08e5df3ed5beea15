import DataCore
import Randomness

/// The option `data.crop`: which part of a picture the model sees.
public enum CropOption: String, Sendable, CaseIterable {
    /// A square with 0.9 of the area of the largest one that fits, at a random place; in the middle without
    /// augmentation.
    case square
    /// The original's: a square of 0.9 of the *picture's* area, resized to 224 first. On 4:3 video no such square fits,
    /// so that the crop is always the largest square in the middle; without augmentation the picture is squeezed.
    case original
    /// LaWAM's: the middle, at most 4 to 3, squeezed to a square; in training a part of that with 0.8 to 1 of its area and
    /// sides of 1 to 1.3, squeezed again, and LaWAM's weaker colours.
    case lawam
}

/// The option `data.augment_pair`: whether the two pictures of a pair change together.
public enum AugmentPairOption: String, Sendable, CaseIterable {
    /// One draw for both, so that what differs between them is motion.
    case shared
    /// One draw each, as in the original.
    case independent
}

/// The option `data.augment_draws`: for how much one draw of the augmentation is.
public enum AugmentDrawsOption: String, Sendable, CaseIterable {
    /// For each pair.
    case sample
    /// For all pairs of a process's batch, as in LaWAM.
    case batch
}

/// What happens to one picture between the video and the batch: crop, resize, crop of that, colour change, final resize.
public struct FrameTransform: Sendable, Hashable {
    public var crop: CropBox
    /// Height and width after the crop, where colours are changed.
    public var croppedHeight: Int
    public var croppedWidth: Int
    /// A part of what that gave, which is resized to the same size again.
    public var view: CropBox?
    public var jitter: ColorJitter?
    /// Height and width of the result.
    public var resolution: Int

    public init(
        crop: CropBox, croppedHeight: Int, croppedWidth: Int, view: CropBox? = nil, jitter: ColorJitter?,
        resolution: Int
    ) {
        self.view = view
        self.crop = crop
        self.croppedHeight = croppedHeight
        self.croppedWidth = croppedWidth
        self.jitter = jitter
        self.resolution = resolution
    }

    /// The picture as the model sees it, `resolution` × `resolution`.
    public func apply(to image: RGBImage, resizer: inout ImageResizer) -> RGBImage {
        var changed = resizer.resizedCrop(image, crop, height: croppedHeight, width: croppedWidth)
        if let view { changed = resizer.resizedCrop(changed, view, height: croppedHeight, width: croppedWidth) }
        if let jitter {
            var pixels = changed.pixels
            jitter.apply(to: &pixels)
            changed = RGBImage(width: croppedWidth, height: croppedHeight, pixels: pixels)
        }
        return resizer.resized(changed, height: resolution, width: resolution)
    }
}

/// Draws the transforms of frame pairs by the options `resolution`, `image_aug`, `crop` and `augment_pair`.
public struct PairAugmentation: Sendable, Hashable {
    public var resolution: Int
    public var imageAug: Bool
    public var crop: CropOption
    public var augmentPair: AugmentPairOption

    public init(resolution: Int, imageAug: Bool, crop: CropOption = .square, augmentPair: AugmentPairOption = .shared) {
        self.resolution = resolution
        self.imageAug = imageAug
        self.crop = crop
        self.augmentPair = augmentPair
    }

    /// The transforms of the two pictures of a pair.
    ///
    /// Without `imageAug` nothing is drawn. The pictures may differ in size (image features do); a shared draw then
    /// means the same random numbers.
    ///
    /// - Precondition: no picture is empty.
    public func transforms(
        for first: RGBImage, _ second: RGBImage, using generator: inout RandomGenerator
    ) -> (FrameTransform, FrameTransform) {
        var shared = generator
        let transform = transform(height: first.height, width: first.width, using: &generator)
        guard imageAug && augmentPair == .independent else {
            if (first.height, first.width) == (second.height, second.width) { return (transform, transform) }
            return (transform, self.transform(height: second.height, width: second.width, using: &shared))
        }
        return (transform, self.transform(height: second.height, width: second.width, using: &generator))
    }

    /// The transforms of the pictures of a sample: of a pair those of `transforms(for:_:using:)`, and of further pictures as many
    /// draws as `augmentPair` asks for.
    func transforms(for frames: [RGBImage], using generator: inout RandomGenerator) -> [FrameTransform] {
        precondition(frames.count >= 2, "a sample of \(frames.count) pictures")
        let shared = generator
        let (first, second) = transforms(for: frames[0], frames[1], using: &generator)
        return [first, second]
            + frames.dropFirst(2).map { frame in
                guard imageAug && augmentPair == .independent else {
                    var same = shared
                    return transform(height: frame.height, width: frame.width, using: &same)
                }
                return transform(height: frame.height, width: frame.width, using: &generator)
            }
    }

    private func transform(height: Int, width: Int, using generator: inout RandomGenerator) -> FrameTransform {
        let box: CropBox
        var cropped = resolution
        var view: CropBox?
        switch (crop, imageAug) {
        case (.square, true): box = randomSquare(squareSide(height, width), height, width, using: &generator)
        case (.square, false): box = centerSquare(squareSide(height, width), height, width)
        case (.original, true):
            cropped = Self.originalCropSize
            let side = Int((Double(height) * Double(width) * Self.areaShare).squareRoot().rounded())
            box =
                side <= min(height, width)
                ? randomSquare(max(1, side), height, width, using: &generator)
                : centerSquare(min(height, width), height, width)
        case (.original, false): box = CropBox(top: 0, left: 0, height: height, width: width)
        case (.lawam, _):
            let seen = min(width, max(1, height * 4 / 3))
            box = CropBox(top: 0, left: (width - seen) / 2, height: height, width: seen)
            if imageAug {
                view = CropBox.random(
                    inHeight: resolution, width: resolution, area: Self.lawamArea, sides: Self.lawamSides,
                    using: &generator)
            }
        }
        return FrameTransform(
            crop: box, croppedHeight: cropped, croppedWidth: cropped, view: view,
            jitter: imageAug ? jitter(using: &generator) : nil, resolution: resolution)
    }

    private func jitter(using generator: inout RandomGenerator) -> ColorJitter {
        crop == .lawam ? .lawam(using: &generator) : ColorJitter(using: &generator)
    }

    private static let lawamArea = 0.8...1.0
    private static let lawamSides = 1.0...1.3
    private static let areaShare = 0.9
    private static let originalCropSize = 224

    private func squareSide(_ height: Int, _ width: Int) -> Int {
        max(1, Int((Double(min(height, width)) * Self.areaShare.squareRoot()).rounded()))
    }

    private func randomSquare(
        _ side: Int, _ height: Int, _ width: Int, using generator: inout RandomGenerator
    ) -> CropBox {
        CropBox(
            top: generator.integer(in: 0...(height - side)), left: generator.integer(in: 0...(width - side)),
            height: side, width: side)
    }

    private func centerSquare(_ side: Int, _ height: Int, _ width: Int) -> CropBox {
        CropBox(top: (height - side) / 2, left: (width - side) / 2, height: side, width: side)
    }
}
