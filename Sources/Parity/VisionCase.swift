import Formats
import LAM
import Tensor

/// What the replays of both vision encoders share: files, image sizes, tolerances, and the tensors named alike.
struct VisionCase {
    let folder: String
    let backend = ParityBackend.open()

    // Limits of the reference data's README.
    static let tokens = ParityTolerance.absolute(5e-5)
    static let positions = ParityTolerance.absolute(5e-5)
    /// Pixels are of order one; they are computed as one multiplication and addition instead of two divisions.
    static let pixels = ParityTolerance.absolute(1e-6)

    func file(_ name: String) throws -> SafeTensors { try SafeTensors(path: "\(folder)/\(name)") }

    func weights(_ name: String) throws -> WeightFile { try WeightFile(path: "\(folder)/\(name)") }

    /// Images u8 `[b, 3, H, W]` by the name of their size, such as `64x48`.
    func images(_ file: SafeTensors) throws -> [(size: String, images: StoredTensor)] {
        let suffix = ".image_u8"
        return try file.names.filter { $0.hasSuffix(suffix) }.map { name in
            let images = try file.tensor(name)
            guard images.shape.count == 4, images.elementType == .u8 else {
                throw ParityError.badTensor(
                    path: file.path, name: name, expected: "u8 [b, 3, H, W]", got: images.shape)
            }
            return (String(name.dropLast(suffix.count)), images)
        }
    }

    /// Frames `[b, 1, 3, H, W]` for `encoder`.
    func frames(_ images: StoredTensor, for encoder: some VisionEncoder) throws -> Tensor {
        let shape = images.shape
        try encoder.check(frameHeight: shape[2], width: shape[3])
        guard shape[1] == 3, shape[0] > 0 else {
            throw ParityError.badTensor(path: folder, name: "image_u8", expected: "[b, 3, H, W]", got: shape)
        }
        return backend.tensor(images.bytes(), [shape[0], 1, 3, shape[2], shape[3]])
    }

    /// Compares `<size>.image_normalised` where the reference has it.
    func compareImages(
        _ name: String, with file: SafeTensors, size: String, frames: Tensor, patchSize: Int,
        into report: inout ParityReport
    ) {
        guard let expected = file.tensors["\(size).image_normalised"] else { return }
        let patches = PixelEncoder(patchSize: patchSize)(frames, on: backend)
        let shape = frames.shape
        let (count, height, width) = (shape[0], shape[3], shape[4])
        let values = backend.floats(patches)
        var images = [Float](repeating: 0, count: values.count)
        let columns = width / patchSize, area = patchSize * patchSize
        for (index, value) in values.enumerated() {
            let (patch, inside) = index.quotientAndRemainder(dividingBy: 3 * area)
            let (image, place) = patch.quotientAndRemainder(dividingBy: height * width / area)
            let y = place / columns * patchSize + inside % area / patchSize
            let x = place % columns * patchSize + inside % patchSize
            images[((image * 3 + inside / area) * height + y) * width + x] = value
        }
        precondition(images.count == count * 3 * height * width, "\(images.count) values of \(shape)")
        report.compare("\(name).image_normalised", images, to: expected, within: Self.pixels)
    }

    /// Tokens `range` of each image, of `tokens` `[b, S, D]`.
    func part(_ tokens: Tensor, _ range: Range<Int>) -> [Float] {
        let (count, length, width) = (tokens.shape[0], tokens.shape[1], tokens.shape[2])
        let values = backend.floats(tokens)
        return (0..<count).flatMap { image in
            values[(image * length + range.lowerBound) * width..<(image * length + range.upperBound) * width]
        }
    }
}
