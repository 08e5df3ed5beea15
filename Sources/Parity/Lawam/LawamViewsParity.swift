import Devices
import Formats
import Foundation
import LAM
import LAMData
import Tensor

/// Case `lawam_aug`: two views of pictures with given draws, the view of an evaluation, and what LeRobot's policy makes of
/// pictures.
struct LawamViewsParity {
    /// Of a level of 255; `torchvision` resizes with coarser weights.
    private static let crop = ParityTolerance.absolute(1)
    /// Colours are cut off after each step, so that a level becomes several.
    private static let view = ParityTolerance.absolute(6)
    private static let viewMean = 0.6
    private static let normalised = ParityTolerance.absolute(2e-6)
    /// LeRobot resizes floats; pictures have levels here before and after.
    private static let resized = ParityTolerance.absolute(1.0 / 255)

    let folder: String

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        let config = try ParityConfig(folder: folder)
        let inputs = try SafeTensors(path: folder + "/inputs.safetensors")
        let expected = try SafeTensors(path: folder + "/outputs.safetensors")
        let stored = try inputs.tensor("frames")
        guard stored.elementType == .u8, stored.shape.count == 5, stored.shape[2] == 3, stored.count > 0 else {
            throw ParityError.badTensor(
                path: inputs.path, name: "frames", expected: "u8 [B, T, 3, H, W]", got: stored.shape)
        }
        let pictures = Self.pictures(stored)
        let size = try config.integers("output_hw", in: 1...4096)
        guard size.count == 2, let draws = config.value(["draws"]) as? [[String: Any]] else {
            throw config.fault(["draws"])
        }
        var resizer = ImageResizer()
        for (number, draw) in draws.enumerated() {
            for view in ["view1", "view2"] {
                guard let parts = draw[view] as? [String: Any],
                    let box = Self.box(parts, in: pictures[0]), let jitter = Self.jitter(parts)
                else { throw config.fault(["draws", "\(number)", view]) }
                let cropped = pictures.map { resizer.resizedCrop($0, box, height: size[0], width: size[1]) }
                let name = "\(number).\(view)"
                if let reference = expected.tensors["\(name).cropped_u8"] {
                    report.compare("\(name).cropped", Self.levels(cropped), to: reference, within: Self.crop)
                }
                let changed = cropped.map { picture in
                    var pixels = picture.pixels
                    jitter.apply(to: &pixels)
                    return RGBImage(width: picture.width, height: picture.height, pixels: pixels)
                }
                let reference = try expected.tensor("\(name).u8")
                report.compare(name, Self.levels(changed), to: reference, within: Self.view)
                let errors = zip(Self.levels(changed), reference.floats()).map { abs(Double($0 - $1)) }
                let mean = errors.reduce(0, +) / Double(max(1, errors.count))
                report.check(
                    "\(name) mean", mean <= Self.viewMean, otherwise: "\(mean), expected at most \(Self.viewMean)")
                try compareNormalised(try expected.tensor("\(name).u8"), "\(name).normalised", expected, into: &report)
            }
        }
        try compareNormalised(stored, "eval.view1.normalised", expected, into: &report)
        if let reference = expected.tensors["lerobot.resized_f32"] {
            let frames = stored.shape[1]
            let whole = pictures.enumerated().filter { $0.offset.isMultiple(of: frames) }.map {
                resizer.resized($0.element, height: size[0], width: size[1])
            }
            report.compare(
                "lerobot.resized_f32", Self.levels(whole).map { $0 / 255 }, to: reference, within: Self.resized)
        }
        return report
    }

    /// What an encoder sees of given levels, where the reference has it; of the first samples where it has fewer.
    private func compareNormalised(
        _ levels: StoredTensor, _ name: String, _ expected: SafeTensors, into report: inout ParityReport
    ) throws {
        guard let reference = expected.tensors[name] else { return }
        let shape = levels.shape, plane = shape[3] * shape[4], images = shape[0] * shape[1]
        let backend = Device.open()
        let out = backend.empty([images, plane, 3])
        backend.patchify(
            backend.tensor(levels.bytes(), [images, 3, shape[3], shape[4]]), patchSize: 1,
            mean: ImageNetNormalization.mean, std: ImageNetNormalization.std, into: out)
        let values = backend.floats(out)
        let planes = (0..<min(values.count, reference.count)).map { place in
            let image = place / (3 * plane), channel = place / plane % 3, pixel = place % plane
            return values[(image * plane + pixel) * 3 + channel]
        }
        report.compare(name, planes, to: reference, within: Self.normalised)
    }

    private static func pictures(_ stored: StoredTensor) -> [RGBImage] {
        let shape = stored.shape, plane = shape[3] * shape[4], bytes = stored.bytes()
        return (0..<shape[0] * shape[1]).map { image in
            let pixels = (0..<3 * plane).map { bytes[(3 * image + $0 % 3) * plane + $0 / 3] }
            return RGBImage(width: shape[4], height: shape[3], pixels: pixels)
        }
    }

    /// `[..., 3, H, W]`.
    private static func levels(_ pictures: [RGBImage]) -> [Float] {
        pictures.flatMap { picture in
            let plane = picture.width * picture.height
            return (0..<3 * plane).map { Float(picture.pixels[$0 % plane * 3 + $0 / plane]) }
        }
    }

    private static func box(_ draw: [String: Any], in picture: RGBImage) -> CropBox? {
        let numbers = ["top", "left", "height", "width"].compactMap {
            (draw[$0] as? NSNumber).flatMap { Int(exactly: $0) }
        }
        guard numbers.count == 4, numbers.allSatisfy((0...8192).contains), numbers[2] > 0, numbers[3] > 0,
            numbers[0] + numbers[2] <= picture.height, numbers[1] + numbers[3] <= picture.width
        else { return nil }
        return CropBox(top: numbers[0], left: numbers[1], height: numbers[2], width: numbers[3])
    }

    private static func jitter(_ draw: [String: Any]) -> ColorJitter? {
        let factors = ["brightness", "contrast", "saturation", "hue"].compactMap {
            (draw[$0] as? NSNumber)?.doubleValue
        }
        let order = (draw["order"] as? [String] ?? []).compactMap(ColorJitter.Step.init)
        guard factors.count == 4, (-0.5...0.5).contains(factors[3]), factors.allSatisfy({ $0 > -10 && $0 < 10 }),
            !order.isEmpty
        else { return nil }
        var jitter = ColorJitter(
            brightness: factors[0], contrast: factors[1], saturation: factors[2], hue: factors[3], order: order)
        jitter.turnsExactly = true
        return jitter
    }
}
