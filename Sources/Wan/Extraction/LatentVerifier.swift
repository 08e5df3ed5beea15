import Formats
import Foundation
import LAMData
import Tensor
import WanVAE

/// Decodes latents back to pictures, to see what they keep of a video.
final class LatentVerifier {
    private let decoder: WanVAEDecoder
    private let dataset: any RobotDataset
    /// Folder for pictures.
    private let preview: String?
    /// By camera: squared errors, values, segments.
    private var errors: [String: (sum: Double, count: Double, segments: Int)] = [:]

    /// Rows of a picture, each a frame beside what its latents decode to.
    private static let previewFrames = 6

    init(_ weights: WeightFile, dataset: any RobotDataset, preview: String?, on backend: any Backend) throws {
        decoder = try WanVAEDecoder(weights: weights, precision: .f32, on: backend)
        self.dataset = dataset
        self.preview = preview
        if let preview { try FileManager.default.createDirectory(atPath: preview, withIntermediateDirectories: true) }
    }

    /// By camera, over all its segments.
    var quality: [ExtractionSummary.Quality] {
        errors.sorted { $0.key < $1.key }.map { camera, error in
            .init(camera: camera, squaredError: error.sum, values: error.count, segments: error.segments)
        }
    }

    /// - Throws: `DataError` of the video; `FormatError` of the picture.
    func verify(_ record: LatentRecord, of video: ExtractionPlan.Video, segment: ExtractionPlan.Segment) throws {
        let header = record.header
        let positions = header.latentHeight * header.latentWidth * WanVAEEncoder.latentChannels
        let latents = record.latent.floats()
        let reader = try dataset.frames(of: video.camera, from: SharedReaders())
        let used = WanVAEEncoder.usedFrames(of: header.frameIDs.count)
        let shown = Set((0..<Self.previewFrames).map { $0 * (used - 1) / max(1, Self.previewFrames - 1) })
        var rows: [[UInt8]] = []
        var clip = WanVAEDecoder.Clip(decoder)
        var resize: BilinearResize?
        var frame = 0
        var (sum, count) = (0.0, 0.0)
        let size = header.videoHeight * header.videoWidth * 3
        for latent in 0..<header.latentFrames {
            let pixels = clip.pixels(
                Array(latents[latent * positions..<(latent + 1) * positions]), rows: header.latentHeight,
                columns: header.latentWidth)
            for part in 0..<pixels.count / size where frame < used {
                let image = try reader.frames(episode: video.position, frames: [header.frameIDs[frame]])[0]
                let original: [Float]
                if (image.height, image.width) == (header.videoHeight, header.videoWidth) {
                    original = image.pixels.map { Float($0) / 255 }
                } else {
                    let wanted = BilinearResize(
                        fromHeight: image.height, width: image.width, toHeight: header.videoHeight,
                        width: header.videoWidth)
                    resize = resize ?? wanted
                    original = (resize ?? wanted)(image.pixels)
                }
                let decoded = pixels[part * size..<(part + 1) * size]
                for (value, wanted) in zip(decoded, original) {
                    let difference = Double((value + 1) / 2 - wanted)
                    sum += difference * difference
                }
                count += Double(size)
                if preview != nil, shown.contains(frame) {
                    rows.append(
                        Self.sideBySide(original, decoded, height: header.videoHeight, width: header.videoWidth))
                }
                frame += 1
            }
        }
        let known = errors[video.camera.key] ?? (0, 0, 0)
        errors[video.camera.key] = (known.sum + sum, known.count + count, known.segments + 1)
        if let preview { try write(rows, header, camera: video.camera.key, segment: segment, to: preview) }
    }

    private static func sideBySide(
        _ original: [Float], _ decoded: ArraySlice<Float>, height: Int, width: Int
    ) -> [UInt8] {
        func byte(_ share: Float) -> UInt8 { UInt8(min(255, max(0, (share * 255).rounded()))) }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(2 * original.count)
        for row in 0..<height {
            let line = row * width * 3..<(row + 1) * width * 3
            pixels += original[line].map(byte)
            pixels += line.map { byte((decoded[decoded.startIndex + $0] + 1) / 2) }
        }
        return pixels
    }

    private func write(
        _ rows: [[UInt8]], _ header: LatentRecord.Header, camera: String, segment: ExtractionPlan.Segment,
        to folder: String
    ) throws {
        let image = PNGImage(
            width: 2 * header.videoWidth, height: rows.count * header.videoHeight, pixels: rows.flatMap { $0 })
        let inner = "\(folder)/\(camera)"
        try FileManager.default.createDirectory(atPath: inner, withIntermediateDirectories: true)
        let name = URL(fileURLWithPath: segment.path).deletingPathExtension().lastPathComponent
        try AtomicFile.write(image.encoded(), to: "\(inner)/\(name).png")
    }
}
