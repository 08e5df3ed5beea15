import Foundation
import LAMData
import TestSupport
import Testing

/// Pictures stored in data files in every allowed and some forbidden ways: `Tests/Goldens/datasets/image_kinds_v21`.
@Suite struct FrameImageTests {
    private let dataset: LeRobotDataset
    private let expected: [String: [Data]]

    init() throws {
        dataset = try LeRobotDataset(root: Goldens.url("datasets/image_kinds_v21").path, name: "image_kinds")
        expected = try JSONDecoder().decode(
            [String: [Data]].self, from: Data(contentsOf: Goldens.url("datasets/image_kinds_v21/expected.json")))
    }

    private func images(_ camera: String) throws -> [RGBImage] {
        let reader = try FrameReader(
            dataset: dataset, camera: dataset.camera(preferred: "observation.images.\(camera)"))
        return try reader.frames(episode: 0, frames: [0, 1, 2, 3])
    }

    @Test("PNG files named by path, in colour, grey, palette and with alpha, are Pillow's RGB")
    func pathImages() throws {
        for (image, data) in zip(try images("path"), try #require(expected["path"])) {
            #expect(image.width == 17 && image.height == 12)
            #expect(image.pixels == Array(data))
        }
    }

    @Test("JPEG pictures are Pillow's within the rounding of two decoders")
    func jpegImages() throws {
        // Without chroma subsampling only the inverse DCT and the colour conversion round differently.
        let tolerance = 4
        for (image, data) in zip(try images("jpeg"), try #require(expected["jpeg"])) {
            let worst = zip(image.pixels, data).map { abs(Int($0) - Int($1)) }.max() ?? 255
            #expect(worst <= tolerance)
        }
    }

    @Test(
        "a damaged, foreign, escaping or absurdly large picture is an error that names column and row",
        arguments: [
            (0, "row 0"), (1, "expected PNG, JPEG, TIFF or WebP, got 10 bytes"),
            (2, "below the dataset root, got ../outside.png"),
            (3, "row 3"),
        ])
    func badImages(frame: Int, message: String) throws {
        let reader = try FrameReader(dataset: dataset, camera: dataset.camera(preferred: "observation.images.bad"))
        #expect {
            try reader.frames(episode: 0, frames: [frame])
        } throws: { error in
            guard case DataError.unreadableImage(_, frame, "observation.images.bad", _) = error else { return false }
            return "\(error)".contains(message)
        }
    }
}
