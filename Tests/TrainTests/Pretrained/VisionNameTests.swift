import BackendConformance
import Configuration
import Formats
import LAM
import OrderedCollections
import Tensor
import Testing

/// The sizes of published vision encoders, and their weights under other names.
@Suite struct VisionNameTests {
    private let backend = TestBackend.cpu(threads: 2)

    /// `dinov2-vitb14-reg` in little under transformers' names.
    private func transformers(_ file: WeightFile) throws -> WeightFile {
        let whole = [
            "cls_token": "embeddings.cls_token", "register_tokens": "embeddings.register_tokens",
            "pos_embed": "embeddings.position_embeddings",
            "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight",
            "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias", "norm.weight": "layernorm.weight",
            "norm.bias": "layernorm.bias",
        ]
        let inBlock = [
            "attn.proj": "attention.output.dense", "ls1": "layer_scale1", "ls2": "layer_scale2",
        ]
        var tensors: OrderedDictionary<String, StoredTensor> = [:]
        for (name, tensor) in file.tensors {
            guard name.hasPrefix("blocks.") else {
                tensors[whole[name] ?? name] = tensor
                continue
            }
            let parts = name.split(separator: ".").map(String.init)
            let block = "encoder.layer.\(parts[1])"
            if parts[2...3].joined(separator: ".") == "attn.qkv" {
                let values = tensor.floats(), shape = [tensor.shape[0] / 3] + tensor.shape.dropFirst()
                for (third, kind) in ["query", "key", "value"].enumerated() {
                    let size = values.count / 3
                    tensors["\(block).attention.attention.\(kind).\(parts[4])"] = StoredTensor(
                        floats: Array(values[third * size..<(third + 1) * size]), shape: shape)
                }
                continue
            }
            let module = parts[2..<parts.count - 1].joined(separator: ".")
            let last = parts[parts.count - 1] == "gamma" ? "lambda1" : parts[parts.count - 1]
            tensors["\(block).\(inBlock[module] ?? module).\(last)"] = tensor
        }
        tensors["embeddings.mask_token"] = StoredTensor(floats: [Float](repeating: 0, count: 32), shape: [1, 32])
        return WeightFile(source: "transformers", tensors: tensors.map { ($0.key, $0.value) })
    }

    @Test("DINOv2 under transformers' names is the same network, down to its fingerprint and its features")
    func dinov2() throws {
        let sizes = VisionTransformerSizes(width: 32, depth: 2, heads: 2, hidden: 64, patchSize: 14, registers: 3)
        let weights = DINOv2Encoder.randomWeights(sizes, side: 4, seed: 5)
        let renamed = try transformers(weights)
        #expect(!renamed.tensors.keys.contains { $0.hasPrefix("blocks.") })
        let encoders = try [weights, renamed].map { try DINOv2Encoder($0, heads: 2, on: backend) }
        #expect(encoders[0].fingerprint == encoders[1].fingerprint && encoders[1].sizes == sizes)
        let frames = backend.tensor((0..<2 * 3 * 28 * 42).map { UInt8(truncatingIfNeeded: $0 * 7) }, [1, 2, 3, 28, 42])
        let features = encoders.map { backend.floats($0(frames, on: backend)) }
        #expect(features[0] == features[1])
        var missing = renamed.tensors
        missing["encoder.layer.1.attention.attention.key.bias"] = nil
        #expect(throws: FormatError.self) {
            try DINOv2Encoder(
                WeightFile(source: "x", tensors: missing.map { ($0.key, $0.value) }), heads: 2, on: backend)
        }
    }

    @Test("each choice has the published network's sizes, and is told from the others by its weights")
    func choices() throws {
        // Of the model cards; heads are 64 wide.
        for (choice, width, depth) in [
            (VisionEncoderChoice.dinov3ViTS16, 384, 12), (.dinov3ViTB16, 768, 12), (.dinov3ViTL16, 1024, 24),
            (.dinov2ViTS14, 384, 12), (.dinov2ViTB14, 768, 12), (.dinov2ViTL14, 1024, 24),
        ] {
            let sizes = try #require(choice.sizes)
            #expect(sizes.width == width && sizes.depth == depth && sizes.heads == width / 64 && sizes.registers == 4)
            #expect(sizes.hidden == 4 * width && choice.patchSize == (choice.network == .dinov3 ? 16 : 14))
            let found = VisionEncoderChoice {
                switch $0 {
                case "cls_token": [1, 1, width]
                case "pos_embed": choice.network == .dinov2 ? [1, 1370, width] : nil
                default: nil
                }
            }
            #expect(found == choice && choice.confused(with: sizes) == nil)
        }
        #expect(VisionEncoderChoice.dinov3ViTB16.confused(with: .vitL16) == .dinov3ViTL16)
        // Networks of no published size are nobody else's.
        let own = VisionTransformerSizes(width: 32, depth: 2, heads: 2, hidden: 64, patchSize: 16, registers: 4)
        #expect(VisionEncoderChoice.dinov3ViTB16.confused(with: own) == nil)
        #expect(VisionEncoderChoice { _ in nil } == nil)
    }

    @Test("DINOv3's small and large sizes have transformers' names and shapes")
    func dinov3Shapes() {
        for (sizes, count) in [(VisionTransformerSizes.vitS16, 21_592_704), (.vitL16, 303_079_424)] {
            let shapes = HuggingFaceDINOv3.shapes(sizes)
            #expect(shapes.count == 17 * sizes.depth + 7)
            // As many as the model's card says, with biases of q and v and the token for masked patches, which some leave out.
            let numbers = shapes.reduce(0) { $0 + $1.shape.reduce(1, *) }
            #expect(abs(numbers - count) < count / 100)
        }
    }
}
