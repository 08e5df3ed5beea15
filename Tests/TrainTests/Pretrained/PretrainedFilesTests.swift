import Foundation
import LAMData
import LAMTrain
import TestSupport
import Testing

@Suite struct PretrainedFilesTests {
    private static let dinov3 = "models--timm--vit_base_patch16_dinov3.lvd1689m"

    @Test("without an option, encoders are found where their own downloaders put them")
    func defaults() throws {
        let hub = try HubCacheFolder()
        let files = PretrainedFiles(environment: hub.environment)
        let weights = try hub.add("model.safetensors", to: Self.dinov3)
        #expect(try files.visionEncoder(.dinov3ViTB16, weights: nil) == weights)
        #expect(try files.visionEncoder(.pixels, weights: nil) == nil)

        let checkpoints = hub.folder.url("home/.cache/torch/hub/checkpoints")
        try FileManager.default.createDirectory(at: checkpoints, withIntermediateDirectories: true)
        let name = "dinov2_vitb14_reg4_pretrain.pth"
        let dinov2 = try hub.folder.write("weights", to: "home/.cache/torch/hub/checkpoints/\(name)")
        #expect(try files.visionEncoder(.dinov2ViTB14, weights: nil) == dinov2)
        let moved = PretrainedFiles(environment: ["TORCH_HOME": hub.folder.path("home/.cache/torch")])
        #expect(try moved.visionEncoder(.dinov2ViTB14, weights: nil) == dinov2)
    }

    @Test("T5 is found under its present and its first name, in either format")
    func t5() throws {
        let hub = try HubCacheFolder()
        let files = PretrainedFiles(environment: hub.environment)
        let legacyWeights = try hub.add("pytorch_model.bin", to: "models--t5-base")
        let legacyVocabulary = try hub.add("spiece.model", to: "models--t5-base")
        #expect(try files.t5Base(weights: nil) == .init(weights: legacyWeights, vocabulary: legacyVocabulary))
        let weights = try hub.add("model.safetensors", to: "models--google-t5--t5-base")
        #expect(try files.t5Base(weights: nil) == .init(weights: weights, vocabulary: legacyVocabulary))
        let vocabulary = try hub.add("spiece.model", to: "models--google-t5--t5-base")
        #expect(try files.t5Base(weights: nil) == .init(weights: weights, vocabulary: vocabulary))
        #expect(try files.t5Base(weights: "t5-base") == .init(weights: legacyWeights, vocabulary: legacyVocabulary))
    }

    @Test("an option's value is a file, a folder or a repository at a revision")
    func options() throws {
        let hub = try HubCacheFolder()
        let files = PretrainedFiles(environment: hub.environment)
        let folder = try TemporaryFolder()
        let bin = try folder.write("weights", to: "pytorch_model.bin")
        #expect(try files.visionEncoder(.dinov3ViTB16, weights: bin) == bin)
        #expect(try files.visionEncoder(.dinov3ViTB16, weights: folder.root.path) == bin)
        let safetensors = try folder.write("weights", to: "model.safetensors")
        #expect(try files.visionEncoder(.dinov3ViTB16, weights: folder.root.path) == safetensors)

        let remote = try hub.add("model.safetensors", to: "models--org--encoder", revision: "v1")
        #expect(try files.visionEncoder(.dinov3ViTB16, weights: "org/encoder@v1") == remote)

        let own = try folder.write("words", to: "spiece.model")
        #expect(try files.t5Base(weights: bin) == .init(weights: bin, vocabulary: own))
        try FileManager.default.removeItem(atPath: own)
        let cached = try hub.add("spiece.model", to: "models--google-t5--t5-base")
        #expect(try files.t5Base(weights: bin) == .init(weights: bin, vocabulary: cached))
    }

    @Test("what is missing is told with the command or address to get it, every place, and the option")
    func missing() throws {
        let hub = try HubCacheFolder()
        let files = PretrainedFiles(environment: hub.environment)
        func message(_ body: () throws -> Void) -> String {
            let error = #expect(throws: PretrainedError.self) { try body() }
            return error?.description ?? ""
        }
        let dinov3 = message { _ = try files.visionEncoder(.dinov3ViTB16, weights: nil) }
        #expect(dinov3.contains("`hf download timm/vit_base_patch16_dinov3.lvd1689m model.safetensors`"))
        #expect(dinov3.contains(hub.folder.path(Self.dinov3)) && dinov3.contains("model.vision_encoder_weights"))
        let dinov2 = message { _ = try files.visionEncoder(.dinov2ViTB14, weights: nil) }
        #expect(
            dinov2.contains("https://") && dinov2.contains("/torch/hub/checkpoints/dinov2_vitb14_reg4_pretrain.pth"))
        let t5 = message { _ = try files.t5Base(weights: nil) }
        #expect(t5.contains("models--google-t5--t5-base or ") && t5.contains("/models--t5-base"))
        try hub.add("model.safetensors", to: "models--google-t5--t5-base")
        #expect(message { _ = try files.t5Base(weights: nil) }.contains("google-t5/t5-base spiece.model`"))

        let folder = try TemporaryFolder()
        let empty = message { _ = try files.visionEncoder(.dinov2ViTB14, weights: folder.root.path) }
        #expect(empty.contains("dinov2_vitb14_reg4_pretrain.pth or model.safetensors"))
        for value in ["/no/such.pth", "weights.safetensors", "./encoder", "not a name", "a/b/c"] {
            let text = message { _ = try files.visionEncoder(.dinov3ViTB16, weights: value) }
            #expect(text.contains(value) && text.contains("no such file"), "\(text)")
        }
    }

    @Test("a Git LFS pointer in the place of weights is told as one")
    func pointer() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(
            "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", to: "model.safetensors")
        for value in [path, folder.root.path] {
            #expect(throws: DataError.lfsPointer(path: path)) {
                try PretrainedFiles(environment: [:]).visionEncoder(.dinov3ViTB16, weights: value)
            }
        }
    }
}
