import Formats
import Foundation
import LAM
import LAMTrain
import OrderedCollections
import TestSupport
import Testing

/// `lam convert-checkpoint` into a LeRobot policy of type `lawam`, and out of one.
@Suite struct LeRobotPolicyTests {
    private static let golden = Goldens.url("lam/lawam_dino/lerobot_model.safetensors")
    private static let prefix = "model.policy_backend.lam."

    private func bytes(_ tensor: StoredTensor) -> [UInt8] { tensor.bytes() }

    @Test("a policy's model comes out and goes in again byte for byte, with the keys that its shapes need")
    func roundTrip() throws {
        let program = try LamProgram()
        let given = program.folder.url("given")
        try FileManager.default.createDirectory(at: given, withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: Self.golden, to: given.appendingPathComponent("model.safetensors"))
        try Data(#"{"lam_num_heads": 4, "lam_enc_modal_mask": false, "lam_image_hw": [32, 32]}"#.utf8).write(
            to: given.appendingPathComponent("config.json"))
        let out = try program.run(
            ["convert-checkpoint", "given/model.safetensors", "model.ckpt", "--from", "lerobot-lawam"])
        #expect(out.status == 0, "\(out.error)")
        let back = try program.run(["convert-checkpoint", "model.ckpt", "policy", "--to", "lerobot-lawam"])
        #expect(back.status == 0, "\(back.error)")
        let (written, original) = (
            try SafeTensors(path: program.folder.path("policy/model.safetensors")),
            try SafeTensors(path: Self.golden.path)
        )
        #expect(Set(written.names) == Set(original.names))
        for (name, tensor) in original.tensors {
            let own = try written.tensor(name)
            #expect(own.shape == tensor.shape && own.elementType == .f32 && bytes(own) == bytes(tensor), "\(name)")
        }
        #expect(written.metadata["format"] == "pt")
        let config = try JSONValue(contentsOf: program.folder.url("policy/config.json"))
        #expect(config["lam_dim"]?.int == 16 && config["lam_code_dim"]?.int == 8 && config["lam_enc_layers"]?.int == 2)
        let text = try String(contentsOf: program.folder.url("policy/config.json"), encoding: .utf8).filter {
            !$0.isWhitespace
        }
        #expect(config["lam_num_heads"]?.int == 4 && text.contains(#""lam_enc_modal_mask":false"#))
        #expect(text.contains(#""lam_image_hw":[32,32]"#), "\(text)")
        #expect(config["lam_max_state_dim"]?.int == 5 && config["lam_num_embodiments"]?.int == 3)
        #expect(config["lam_ffn_expansion_factor"]?.int == 3 && config["dinov3_num_hidden_layers"]?.int == 3)
        #expect(config["dinov3_hidden_size"]?.int == 24 && config["dinov3_num_register_tokens"]?.int == 4)
        let again = try program.run(["convert-checkpoint", "model.ckpt", "policy", "--to", "lerobot-lawam"])
        #expect(again.status == 2 && again.error.contains("--overwrite"))
    }

    @Test("names of transformers 4 are read as well, and those of transformers 5 are written")
    func oldNames() throws {
        let program = try LamProgram()
        var renamed: OrderedDictionary<String, StoredTensor> = [:]
        for (name, tensor) in try SafeTensors(path: Self.golden.path).tensors {
            renamed[name.replacingOccurrences(of: ".model.model.layer.", with: ".model.layer.")] = tensor
        }
        try SafeTensors.write(renamed, to: program.folder.path("old.safetensors"))
        let silent = try program.run(["convert-checkpoint", "old.safetensors", "heads.ckpt", "--from", "lerobot-lawam"])
        #expect(silent.status == 0, "\(silent.error)")
        let unknown = try program.run(["convert-checkpoint", "heads.ckpt", "policy", "--to", "lerobot-lawam"])
        #expect(unknown.status != 0 && unknown.error.contains("lam_num_heads"), "\(unknown.error)")
        try Data(#"{"lam_num_heads": 4}"#.utf8).write(to: program.folder.url("config.json"))
        let steps = [
            ["convert-checkpoint", "old.safetensors", "model.ckpt", "--from", "lerobot-lawam"],
            ["convert-checkpoint", "model.ckpt", "policy", "--to", "lerobot-lawam"],
        ]
        for step in steps {
            let result = try program.run(step)
            #expect(result.status == 0, "\(result.error)")
        }
        let written = try SafeTensors(path: program.folder.path("policy/model.safetensors"))
        #expect(Set(written.names) == Set(try SafeTensors(path: Self.golden.path).names))
    }

    @Test("what such a policy cannot have is refused with the reason")
    func refusals() throws {
        let program = try LamProgram()
        let family = ["--model.family", "lawam"]
        for (options, expected) in [
            (family + ["--model.bottleneck", "nsvq"], "bottleneck: expected vae, got nsvq"),
            (family + ["--model.bottleneck", "vae", "--model.num_queries", "2"], "num_queries: expected 1, got 2"),
            (
                family + ["--model.bottleneck", "vae", "--model.lam_latent_dim", "12"],
                "lam_latent_dim: expected a multiple of 8, got 12"
            ),
            (family + ["--model.bottleneck", "vae"], "lam_patch_size: expected 16, got 8"),
            ([], "family: expected lawam"),
        ] {
            let own = try LamProgram()
            let trained = try own.fit(options + ["--trainer.max_steps", "2"])
            try #require(trained.status == 0, "\(trained.error)")
            let result = try own.run(
                ["convert-checkpoint", "checkpoints/last.ckpt", "policy", "--to", "lerobot-lawam"])
            #expect(result.status != 0 && result.error.contains(expected), "\(result.error)")
        }
        let none = try program.run(
            [
                "convert-checkpoint", Goldens.url("lam/lam_stage1/weights.safetensors").path, "model.ckpt", "--from",
                "lerobot-lawam",
            ])
        #expect(none.status != 0 && none.error.contains(Self.prefix))
    }
}
