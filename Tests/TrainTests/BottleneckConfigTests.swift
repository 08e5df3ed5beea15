import Configuration
import Foundation
import LAM
import TestSupport
import Testing

/// `model.bottleneck` with the options of its kinds.
@Suite struct BottleneckConfigTests {
    private func parse(_ arguments: String...) throws -> ParsedFit { try FitArguments.parse(arguments: arguments) }

    private func message(_ arguments: String...) -> String {
        do {
            _ = try FitArguments.parse(arguments: arguments)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test("a kind is named alone or as an object, and its options are given beside it")
    func forms() throws {
        let plain = try parse("--model.bottleneck", "vae").configuration.model.bottleneck.choice
        #expect(plain.kind.name == "vae" && plain["beta"] == .number(5e-5) && plain["layer_norm"] == .flag(true))
        let folder = try TemporaryFolder()
        let file = try folder.write(
            "model:\n  bottleneck:\n    class_path: vae\n    init_args:\n      beta: 1e-3\n      clamp_logvar: 5\n")
        let full = try parse("--config", file, "--model.bottleneck.beta", "0.5").configuration.model.bottleneck.choice
        #expect(full["beta"] == .number(0.5) && full["clamp_logvar"] == .number(5))
        let other = try parse("--config", file, "--model.bottleneck", "fsq", "--model.bottleneck.levels", "[8, 8]")
            .configuration.model.bottleneck.choice
        #expect(other.kind.name == "fsq" && other["levels"] == .integers([8, 8]), "another kind drops the options")
        #expect(
            try parse("--model.bottleneck", "fsq", "--model.bottleneck.levels", "16").configuration.model.bottleneck
                .choice["levels"] == .integers([16]))
        #expect(LAMConfiguration().model.bottleneck.choice == BottleneckChoice(), "the default is the original's")
    }

    @Test("every kind prints and reads back to the same", arguments: BottleneckKind.all.map(\.name))
    func roundTrip(name: String) throws {
        var arguments = ["--model.bottleneck", name]
        if name == "ema" { arguments += ["--model.bottleneck.decay", "0.9", "--model.bottleneck.seed", "original"] }
        let configuration = try FitArguments.parse(arguments: arguments).configuration
        let folder = try TemporaryFolder()
        for skips in [false, true] {
            let file = try folder.write(configuration.yaml(skippingDefaults: skips))
            #expect(try parse("--config", file).configuration == configuration)
        }
    }

    @Test("an unknown kind, an unknown option and another kind's option are errors that say what was meant")
    func errors() {
        #expect(message("--model.bottleneck", "vqae").contains("did you mean `vae`?"))
        #expect(
            message("--model.bottleneck", "vq", "--model.bottleneck.cosin", "true").contains("did you mean `cosine`?"))
        let foreign = message("--model.bottleneck", "ema", "--model.bottleneck.levels", "[5]")
        #expect(foreign.contains("an option of fsq, but the bottleneck is ema"))
        #expect(foreign.contains("decay") && foreign.contains("set model.bottleneck to fsq"))
        #expect(message("--model.bottleneck.beta", "1").contains("an option of vae, but the bottleneck is vq"))
        #expect(message("--model.bottleneck", "ema", "--model.bottleneck.decay", "1").contains("up to but not 1"))
        #expect(message("--model.bottleneck", "ema", "--model.bottleneck.seed", "two").contains("one or original"))
        #expect(message("--model.bottleneck", "fsq", "--model.bottleneck.levels", "[255, 255, 255]").contains("65536"))
        #expect(message("--model.bottleneck", "fsq", "--model.bottleneck.levels", "[1]").contains("from 2 to 255"))
    }

    @Test("stage 2 is refused where latents are continuous, with the reason")
    func stageTwo() throws {
        for name in ["vae", "ae"] {
            let text = message("--model.bottleneck", name, "--model.stage", "stage-2")
            #expect(text.contains("latents are continuous") && text.contains("stage-2 sorts what happens into codes"))
        }
        for name in ["nsvq", "ema", "fsq"] {
            _ = try parse("--model.bottleneck", name, "--model.stage", "stage-2")
        }
    }

    @Test("options of codebooks that have no effect are noted where they are asked for")
    func notes() throws {
        let fit = try parse("--model.bottleneck", "vae", "--model.vq_beta", "0.5", "--model.lam_num_latents", "4")
        #expect(fit.notices.map(\.path).sorted() == ["model.lam_num_latents", "model.vq_beta"])
        #expect(try parse("--model.bottleneck", "ema", "--model.vq_beta", "0.5").notices.isEmpty)
    }

    @Test("options say themselves whether a checkpoint with another value would mean something else")
    func meaning() {
        var model = ModelConfiguration()
        let common: Set = [
            "lam_model_dim", "lam_enc_blocks", "lam_dec_blocks", "lam_num_heads", "latent_layer_to_use",
            "enc_modal_mask", "decoder_last_ln", "norm_latents", "norm_latents_type",
        ]
        let codes: Set = ["lam_num_latents", "lam_latent_dim"]
        let used: [String: Set<String>] = [
            "vq": codes, "nsvq": codes, "ema": codes, "fsq": [], "vae": ["lam_latent_dim"], "ae": ["lam_latent_dim"],
        ]
        let own: [String: Set<String>] = [
            "vq": ["cosine", "layer_norm"], "nsvq": ["cosine", "layer_norm"], "ema": ["cosine", "layer_norm"],
            "fsq": ["levels", "bound"], "vae": ["layer_norm"], "ae": ["layer_norm"],
        ]
        for kind in BottleneckKind.all {
            model.bottleneck.choice = BottleneckChoice(kind)
            #expect(Set(model.optionsOfMeaning) == common.union(used[kind.name] ?? []), "\(kind.name)")
            #expect(Set(kind.options.filter(\.decidesMeaning).map(\.name)) == own[kind.name], "\(kind.name)")
        }
        model.visionEncoder = .pixels
        #expect(model.optionsOfMeaning.contains("lam_patch_size"))
    }
}
