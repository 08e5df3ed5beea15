import Formats
import Foundation
import Tensor
import WanVAE

/// Case `vae`: the Wan2.2 VAE's encoder and decoder, with the weights of `latents_pth/ckpt_dir` beside the folder.
struct WanVAEParity {
    let folder: String

    // Limits of the reference data's README.
    private static let latents = ParityTolerance.mixed(absolute: 2e-5, factor: 1e-5)
    private static let activations = ParityTolerance.relativeToMax(1e-5)
    private static let pixels = ParityTolerance.absolute(2e-5)
    /// Limit of bf16 products against the f32 model: the one that the original's own bf16 run is held to.
    private static let rounded = ParityTolerance.absolute(0.15)
    /// The root mean square of the same.
    private static let roundedDeviation = 0.02

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        let checkpoint = URL(fileURLWithPath: folder).deletingLastPathComponent()
            .appendingPathComponent("latents_pth/ckpt_dir/Wan2.2_VAE.pth").path
        let weights = try WeightFile(path: checkpoint)
        let backend = ParityBackend.open()
        let encoder = try WanVAEEncoder(weights: weights, precision: .f32, on: backend)
        let rounding = try WanVAEEncoder(weights: weights, precision: .bf16, on: backend)
        let decoder = try WanVAEDecoder(weights: weights, precision: .f32, on: backend)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
            .filter { $0.hasSuffix(".safetensors") }
        for file in files {
            let name = String(file.dropLast(12))
            let reference = try SafeTensors(path: "\(folder)/\(file)")
            if name.hasPrefix("enc_") {
                let latents = try encode(reference, with: encoder, parts: [4]) { _, _, _ in }
                report.compare(
                    "\(name) latent_f32", latents, to: try reference.tensor("latent_f32"), within: Self.latents)
                report.compare(
                    "\(name) latent_f64", latents, to: try reference.tensor("latent_f64"), within: Self.latents)
                let whole = try encode(reference, with: encoder, parts: [8, 4]) { _, _, _ in }
                // Only the CPU promises the same bits.
                report.compare(
                    "\(name) in other parts", whole.map(Double.init), to: latents.map(Double.init),
                    within: backend is CPUBackend ? .exact : Self.latents)
                try compareRounded(
                    try encode(reference, with: rounding, parts: [4]) { _, _, _ in }, named: name, to: reference,
                    into: &report)
            } else if name.hasPrefix("intermediates_decode") {
                try decode(reference, with: decoder, named: name, into: &report)
            } else if name.hasPrefix("intermediates") {
                var lines: [(String, [Float], StoredTensor)] = []
                let latents = try encode(reference, with: encoder, parts: [4]) { chunk, part, value in
                    let key = "chunk\(chunk).\(part)"
                    guard let expected = reference.tensors[key] else { return }
                    lines.append((key, channelsFirst(backend.floats(value), value.shape), expected))
                }
                for (key, got, expected) in lines {
                    report.compare("\(name) \(key)", got, to: expected, within: Self.activations)
                }
                report.check(
                    "\(name) activations", lines.count > 20, otherwise: "expected more than 20, got \(lines.count)")
                report.compare(
                    "\(name) latent_f32", latents, to: try reference.tensor("latent_f32"), within: Self.latents)
            } else if name.hasPrefix("dec_") {
                try decode(reference, with: decoder, named: name, into: &report)
            }
        }
        return report
    }

    /// Latents `[48, T', H', W']` of `video_u8`, encoded in parts of the given numbers of frames behind the first one; the
    /// last number is repeated.
    private func encode(
        _ reference: SafeTensors, with encoder: WanVAEEncoder, parts: [Int],
        visit: @escaping (_ chunk: Int, _ part: String, _ value: Tensor) -> Void
    ) throws -> [Float] {
        let video = try reference.tensor("video_u8")
        guard video.elementType == .u8, video.shape.count == 4, video.shape[3] == 3, video.count > 0,
            video.shape[1] % WanVAEEncoder.patch == 0, video.shape[2] % WanVAEEncoder.patch == 0
        else {
            throw ParityError.badTensor(
                path: reference.path, name: "video_u8", expected: "u8 [T, H, W, 3], sides multiples of 16",
                got: video.shape)
        }
        let (height, width) = (video.shape[1], video.shape[2])
        var chunk = 0
        var clip = WanVAEEncoder.Clip(encoder) { visit(chunk, $0, $1) }
        let frames = (0..<WanVAEEncoder.usedFrames(of: video.shape[0])).map { video.rows($0..<$0 + 1).bytes() }
        var rows: [Float] = []
        var start = 0
        while start < frames.count {
            let length = chunk == 0 ? 1 : min(parts[min(chunk, parts.count) - 1], frames.count - start)
            let patches = FramePatches.patches(
                Array(frames[start..<start + length]), height: height, width: width, on: encoder.backend)
            rows += LatentStatistics.latents(ofMoments: encoder.backend.floats(clip.moments(patches)))
            start += length
            chunk += 1
        }
        return channelsFirst(
            rows,
            [
                WanVAEEncoder.latentFrames(of: frames.count), height / WanVAEEncoder.patch,
                width / WanVAEEncoder.patch, WanVAEEncoder.latentChannels,
            ])
    }

    private func compareRounded(
        _ got: [Float], named name: String, to reference: SafeTensors, into report: inout ParityReport
    ) throws {
        let expected = try reference.tensor("latent_f32")
        report.compare("\(name) latent_f32 by bf16 products", got, to: expected, within: Self.rounded)
        let squares = zip(got, expected.floats()).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
        let deviation = (squares / Double(max(got.count, 1))).squareRoot()
        report.check(
            "\(name) by bf16 products, root mean square", deviation <= Self.roundedDeviation,
            otherwise: "expected at most \(Self.roundedDeviation), got \(deviation)")
    }

    private func decode(
        _ reference: SafeTensors, with decoder: WanVAEDecoder, named name: String, into report: inout ParityReport
    ) throws {
        let latents = try reference.tensor("latent_f32"), shape = latents.shape
        guard shape.count == 4, shape[0] == WanVAEEncoder.latentChannels, latents.count > 0 else {
            throw ParityError.badTensor(
                path: reference.path, name: "latent_f32", expected: "[48, T, H, W]", got: shape)
        }
        let (frames, plane) = (shape[1], shape[2] * shape[3])
        let values = latents.floats()
        var chunk = 0
        var lines: [(String, [Float], StoredTensor)] = []
        var clip = WanVAEDecoder.Clip(decoder) { part, value in
            let key = "chunk\(chunk).\(part)"
            guard let expected = reference.tensors[key] else { return }
            lines.append((key, channelsFirst(decoder.backend.floats(value), value.shape), expected))
        }
        var pixels: [Float] = []
        for frame in 0..<frames {
            let part = (0..<plane).flatMap { place in
                (0..<shape[0]).map { values[($0 * frames + frame) * plane + place] }
            }
            pixels += clip.pixels(part, rows: shape[2], columns: shape[3])
            chunk += 1
        }
        for (key, got, expected) in lines {
            report.compare("\(name) \(key)", got, to: expected, within: Self.activations)
        }
        let (height, width) = (shape[2] * WanVAEEncoder.patch, shape[3] * WanVAEEncoder.patch)
        report.compare(
            "\(name) video_f32", channelsFirst(pixels, [pixels.count / (3 * height * width), height, width, 3]),
            to: try reference.tensor("video_f32"), within: Self.pixels)
    }

    /// `[T, H, W, C]` to `[C, T, H, W]`.
    private func channelsFirst(_ values: [Float], _ shape: [Int]) -> [Float] {
        let channels = shape[3], pixels = values.count / channels
        return (0..<channels).flatMap { channel in (0..<pixels).map { values[$0 * channels + channel] } }
    }
}
