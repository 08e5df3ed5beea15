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
}

/// The option `data.augment_pair`: whether the two pictures of a pair change together.
public enum AugmentPairOption: String, Sendable, CaseIterable {
    /// One draw for both, so that what differs between them is motion.
    case shared
    /// One draw each, as in the original.
    case independent
}

/// What happens to one picture between the video and the batch: crop, resize, colour change, final resize.
public struct FrameTransform: Sendable, Hashable {
    public var crop: CropBox
    /// Height and width after the crop, where colours are changed.
    public var croppedHeight: Int
    public var croppedWidth: Int
    public var jitter: ColorJitter?
    /// Height and width of the result.
    public var resolution: Int

    public init(crop: CropBox, croppedHeight: Int, croppedWidth: Int, jitter: ColorJitter?, resolution: Int) {
        self.crop = crop
        self.croppedHeight = croppedHeight
        self.croppedWidth = croppedWidth
        self.jitter = jitter
        self.resolution = resolution
    }

    /// The picture as the model sees it, `resolution` × `resolution`.
    public func apply(to image: RGBImage, resizer: inout ImageResizer) -> RGBImage {
        var changed = resizer.resizedCrop(image, crop, height: croppedHeight, width: croppedWidth)
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

    private func transform(height: Int, width: Int, using generator: inout RandomGenerator) -> FrameTransform {
        let box: CropBox
        var cropped = resolution
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
        }
        return FrameTransform(
            crop: box, croppedHeight: cropped, croppedWidth: cropped,
            jitter: imageAug ? ColorJitter(using: &generator) : nil, resolution: resolution)
    }

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
