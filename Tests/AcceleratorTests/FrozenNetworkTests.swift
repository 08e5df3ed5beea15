import Accelerator
import AcceleratorTestSupport
import BackendConformance
import Formats
import LAM
import Tensor
import TestSupport
import Testing
import Text
import WanVAE

@Suite(
    "Frozen networks on a plugin's device", .serialized,
    .enabled(if: TestPlugin.isThere, "the CPU plugin was not fetched: bash scripts/accelerator.sh cpu"))
struct FrozenNetworkTests {
    /// Relative to the largest value: f32 in another order, and bf16 between products.
    private static let limits: [Autocast: Double] = [.off: 2e-5, .bf16: 4e-2]

    /// Of the small reference networks.
    private static let heads = 4

    private let cpu = TestBackend.cpu(instructionSet: .portable)
    private let device: RecordingBackend

    init() throws {
        device = RecordingBackend(
            try #require(TestPlugin.client), settings: CompilationSettings(options: TestPlugin.options))
    }

    private func weights(_ path: String) throws -> WeightFile { try WeightFile(path: Goldens.url(path).path) }

    private func expectClose(_ got: [Float], _ expected: [Float], _ limit: Double, _ what: String) {
        let largest = Double(expected.reduce(0) { max($0, abs($1)) })
        let difference = zip(got, expected).reduce(0.0) { max($0, abs(Double($1.0) - Double($1.1))) }
        #expect(got.count == expected.count && difference <= limit * largest, "\(what): \(difference) of \(largest)")
    }

    private func images(_ shape: [Int], on backend: any Backend) -> Tensor {
        backend.tensor((0..<shape.product).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 5) }, shape)
    }

    @Test("vision encoders give the CPU's features", arguments: [Autocast.off, .bf16])
    func visionEncoders(autocast: Autocast) throws {
        let limit = try #require(Self.limits[autocast])
        func features(on backend: any Backend) throws -> [[Float]] {
            let dinov3 = try DINOv3Encoder(
                weights("lam/dinov3/weights.safetensors"), heads: Self.heads, autocast: autocast, on: backend)
            let dinov2 = try DINOv2Encoder(
                weights("lam/dinov2/weights.safetensors"), heads: Self.heads, autocast: autocast, on: backend)
            return [
                backend.floats(dinov3(images([2, 2, 3, 48, 32], on: backend), on: backend)),
                backend.floats(dinov2(images([2, 2, 3, 28, 42], on: backend), on: backend)),
                backend.floats(PixelEncoder(patchSize: 16)(images([2, 2, 3, 48, 32], on: backend), on: backend)),
            ]
        }
        for (number, pair) in zip(try features(on: device), try features(on: cpu)).enumerated() {
            expectClose(pair.0, pair.1, limit, "encoder \(number)")
        }
    }

    @Test("text encoders give the CPU's hidden states", arguments: ["relu", "gated_gelu"])
    func textEncoders(variant: String) throws {
        let batch = TokenBatch(padding: [[96, 51, 143, 3, 18, 20, 137, 1], [4, 64, 1], [1]], with: 0)
        func states(on backend: any Backend) throws -> [Float] {
            backend.floats(
                try T5Encoder(weights: weights("lam/t5base/\(variant)/model.safetensors"), on: backend)(batch))
        }
        expectClose(try states(on: device), try states(on: cpu), 2e-5, variant)
        func umT5(on backend: any Backend) throws -> [Float] {
            let file = "wan/latents_pth/ckpt_dir/models_t5_umt5-xxl-enc-bf16.pth"
            return try UMT5Encoder(weights: weights(file), on: backend)([[5, 9, 1], [3, 4, 7, 11, 1]]).flatMap { $0 }
        }
        expectClose(try umT5(on: device), try umT5(on: cpu), 2e-5, "umT5")
    }

    @Test("the VAE encodes and decodes as on the CPU", arguments: ConvolutionPrecision.allCases)
    func vae(precision: ConvolutionPrecision) throws {
        let file = "wan/latents_pth/ckpt_dir/Wan2.2_VAE.pth"
        func run(on backend: any Backend) throws -> (moments: [Float], pixels: [Float]) {
            var clip = WanVAEEncoder.Clip(try WanVAEEncoder(weights: weights(file), precision: precision, on: backend))
            let frames = (0..<9).map { (frame: Int) -> [UInt8] in
                (0..<32 * 48 * 3).map { (place: Int) -> UInt8 in
                    UInt8(truncatingIfNeeded: (place &* 2_654_435_761) >> 13 &+ frame &* 41)
                }
            }
            let moments = [0..<1, 1..<5, 5..<9].flatMap { (part: Range<Int>) -> [Float] in
                backend.floats(
                    clip.moments(FramePatches.patches(Array(frames[part]), height: 32, width: 48, on: backend)))
            }
            var back = WanVAEDecoder.Clip(try WanVAEDecoder(weights: weights(file), precision: precision, on: backend))
            let pixels = (0..<3).flatMap { (frame: Int) -> [Float] in
                let latents = (0..<2 * 3 * 48).map { (place: Int) -> Float in
                    Float((place * 7 + frame * 5) % 23) / 8 - 1.4
                }
                return back.pixels(latents, rows: 2, columns: 3)
            }
            return (moments, pixels)
        }
        let limit = precision == .f32 ? 5e-5 : 0.1
        let (got, expected) = (try run(on: device), try run(on: cpu))
        expectClose(got.moments, expected.moments, limit, "moments")
        expectClose(got.pixels, expected.pixels, limit, "pixels")
    }
}
