import Configuration
import Foundation
import LAM
import TestSupport
import Testing

/// Files of LaWAM's own training program, and options of its family.
@Suite struct LawamFileTests {
    private static let file = """
        seed_everything: 42
        model:
          vision_model_id: "facebook/dinov3-vits16-pretrain-lvd1689m"
          dim: 64
          enc_layers: 2
          ffn_expansion_factor: 4
          num_heads: 4
          max_state_dim: 7
          num_embodiments: 32
          codebook_size: 32
          code_dim: 16
          num_queries: 1
          num_frames: 2
          image_hw: [128, 128]
          patch_size: 16
          image_aug: true
          dual_view_aug: true
          dec_layers: 1
          dropout: 0.0
          warmup_steps: 500
          enc_add_state: false
          enc_modal_mask: true
          lambda_aux: 0.5
          loss_type: "smooth_l1"
          state_loss_type: "l2"
          latent_layer_to_use: -2
          multi_input: false
          norm_latents: true
          norm_latents_type: "l2"
          lambda_diversity: 0.0
          vq_type: "vq"
          vq_kwargs:
            layer_norm: true
            use_cosine_sim: true
            beta: 0.5
          project: lam
          task_name: small
          wandb_offline: true
          optimizer:
            class_path: torch.optim.AdamW
            init_args:
              lr: 3e-4
          exclude_bias_norm_from_wd: true
          make_data_pair: false
          output_dir: output_pairs
        data:
          data_root_dir: "/data"
          video_backend: "pyav"
          num_frames: 2
          image_hw: [128, 128]
          frame_dt_sec: 1.6
          human_frame_dt_sec: 0.4
          batch_size: 32
          prefetch_factor: 4
          pin_memory: true
          persistent_workers: false
          in_order: false
          debug_repeat_batch: false
          max_state_dim: 7
          val_tail_ratio: 0.01
        trainer:
          callbacks:
            - class_path: latent_action_model.core.lam_lightinng.SaveConfigToCheckpointCallback
        """

    private func parse(_ text: String, _ arguments: String...) throws -> ParsedFit {
        let folder = try TemporaryFolder()
        return try FitArguments.parse(arguments: ["--config", try folder.write(text)] + arguments)
    }

    private func message(_ arguments: String...) -> String {
        do {
            _ = try FitArguments.parse(arguments: arguments)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test("a file of LaWAM's is read where its keys mean the same, and prints as one of this program's")
    func whole() throws {
        let fit = try parse(Self.file)
        let (model, data) = (fit.configuration.model, fit.configuration.data)
        let family = try #require(model.family as? LawamFamily)
        var expected = LawamOptions(
            dim: 64, heads: 4, ffnFactor: 4, encLayers: 2, decLayers: 1, codeDim: 16,
            bottleneck: model.bottleneck.choice)
        (expected.maxStateDim, expected.stateWeight, expected.loss) = (7, 0.5, .smoothL1)
        (expected.commitmentWeight, expected.normalization) = (0.5, .l2)
        #expect(family.options == expected)
        #expect(model.bottleneck.choice.kind.name == "vq" && model.bottleneck.choice["cosine"] == .flag(true))
        #expect(model.visionEncoder == .dinov3ViTS16 && model.learningRateSchedule.warmupSteps == 500)
        #expect(Set(model.optimizer.undecayed) == [.bias, .norm] && model.optimizer.lr == 3e-4)
        #expect(data.stream.dualViewAug && data.stream.imageAug && data.stream.crop == .lawam)
        #expect(data.stream.resolution == 128 && data.stream.root == "/data" && data.stream.valFraction == 0.01)
        #expect(data.frameSeconds == 1.6 && data.humanFrameSeconds == 0.4)
        #expect(fit.notices.contains { $0.path == "data.prefetch_factor" })
        let again = try parse(fit.configuration.yaml()).configuration
        #expect(again.yaml() == fit.configuration.yaml())
    }

    @Test("arguments win over such a file, and what it asks for in vain is told")
    func overridden() throws {
        let fit = try parse(
            Self.file, "--data.image_aug", "false", "--model.bottleneck", "vae", "--data.resolution", "64",
            "--model.vision_encoder", "dinov3-vitl16")
        #expect(fit.configuration.model.bottleneck.choice.kind.name == "vae" && !fit.configuration.data.stream.imageAug)
        #expect(
            fit.configuration.data.stream.resolution == 64 && fit.configuration.model.visionEncoder == .dinov3ViTL16)
        func refusal(_ from: String, _ to: String) -> String {
            do {
                _ = try parse(Self.file.replacingOccurrences(of: from, with: to))
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(refusal("facebook/dinov3-vits16-pretrain-lvd1689m", "VGGT-1B").contains("vision_encoder"))
        #expect(refusal("multi_input: false", "multi_input: true").contains("multi_input"))
        #expect(refusal("lambda_diversity: 0.0", "lambda_diversity: 0.1").contains("entropy"))
        #expect(refusal("vq_type: \"vq\"", "vq_type: \"nsvk\"").contains("nsvq"))
        #expect(refusal("image_hw: [128, 128]", "image_hw: [128, 64]").contains("resolution"))
    }

    @Test("windows in seconds follow the kinds that the model's options name, whatever the case")
    func windows() throws {
        let data = try FitArguments.parse(arguments: [
            "--model.family", "lawam", "--model.embodiment_ids", "{Ego: 0, g1: 26}", "--data.frame_dt_sec", "1.6",
            "--data.human_frame_dt_sec", "0.4", "--data.window_seconds", "{special: 0.1}",
        ]).configuration.data.stream
        func apart(_ name: String) -> Int { data.windowRule(name: name, fps: 30, place: 0).frames.lowerBound - 1 }
        #expect(
            apart("my_ego4d") == 12 && apart("g1_bottle") == 48 && apart("other") == 48 && apart("special_ego") == 3)
        let none = try FitArguments.parse(arguments: []).configuration.data.stream
        #expect(none.kindWindows.isEmpty)
        #expect(message("--data.frame_dt_sec", "0").contains("above 0"))
    }

    @Test("options that a model cannot have are refused with what to do")
    func conflicts() {
        #expect(message("--data.dual_view_aug", "true").contains("set model.family to lawam"))
        #expect(message("--model.enc_add_state", "true").contains("family lawam"))
        #expect(
            message("--model.family", "lawam", "--model.enc_add_state", "true").contains("set max_state_dim"))
        #expect(message("--model.additivity_weight", "0.1").contains("set data.frames to 3"))
        #expect(message("--data.frames", "9").contains("from 2 to 8"))
        #expect(message("--data.frames", "3", "--model.stage", "stage-2").contains("stage-2 learns from pairs"))
        #expect(message("--data.frames", "3", "--model.additivity_weight", "0.1").isEmpty)
        #expect(message("--model.norm_latents_type", "layer", "--model.family", "lawam").contains("ln or l2 or bn"))
        #expect(message("--model.labels", "actions").contains("none or action or state"))
    }
}
