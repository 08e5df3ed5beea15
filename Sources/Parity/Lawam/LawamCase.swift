import Formats
import LAM
import NN
import Tensor

/// A model and its inputs as the `config.json` of a case describes them.
struct LawamCase {
    let options: LawamOptions
    let featureWidth: Int
    private let config: ParityConfig

    init(_ config: ParityConfig) throws {
        self.config = config
        featureWidth = try config.int("input_dim")
        let type = try config.string("vq_type")
        guard let kind = BottleneckKind.named(type) else { throw config.fault(["vq_type"]) }
        var choice = BottleneckChoice(kind)
        func set(_ option: String, _ value: BottleneckOption.Value?) {
            guard let value, kind.options.contains(where: { $0.name == option }) else { return }
            choice[option] = value
        }
        func number(_ key: String) -> Double? { try? config.double("vq_kwargs", key) }
        func flag(_ key: String) -> Bool? { config.value(["vq_kwargs", key]) as? Bool }
        let diversity = try config.double("lambda_diversity")
        set("layer_norm", .flag(flag("layer_norm") ?? false))
        set("cosine", .flag(flag("use_cosine_sim") ?? false))
        set("diveq", .flag(flag("use_diveq") ?? false))
        set("start", .choice("random"))
        set("beta", number("beta").map { .number($0) })
        set("clamp_logvar", number("clamp_logvar").map { .number($0) })
        set("decay", number("ema_decay").map { .number($0) })
        set("soft_assignment", .flag(flag("use_soft_assignment") ?? false))
        set("temperature_start", number("temperature_start").map { .number($0) })
        set("temperature_end", number("temperature_end").map { .number($0) })
        set("temperature_steps", number("temperature_decay_steps").map { .integers([Int(exactly: $0) ?? 0]) })
        set("orthogonal_weight", number("orthogonal_loss_weight").map { .number($0) })
        set("sample_entropy_weight", number("lambda_sample_entropy").map { .number($0 * diversity) })
        set("code_entropy_weight", number("lambda_codebook_entropy").map { .number($0 * diversity) })
        var options = LawamOptions(
            dim: try config.int("dim", atMost: 4096), heads: try config.int("num_heads", atMost: 256),
            ffnFactor: try config.int("ffn_expansion_factor", atMost: 16),
            encLayers: try config.int("enc_layers", atMost: 100), decLayers: try config.int("dec_layers", atMost: 100),
            codeDim: try config.int("code_dim", atMost: 4096), bottleneck: choice)
        guard options.dim % 8 == 0, options.dim % options.heads == 0 else { throw config.fault(["dim"]) }
        let grid = try config.integers("grid_hw", in: 1...1024)
        guard grid.count == 2 else { throw config.fault(["grid_hw"]) }
        options.grid = LawamOptions.Grid(rows: grid[0], columns: grid[1])
        options.queries = try config.int("num_queries", atMost: 64)
        options.maxStateDim = try config.int("max_state_dim", atMost: 1024)
        options.embodiments = try config.int("num_embodiments", atMost: 1024)
        options.codebookSize = try config.int("codebook_size", atMost: 65_536)
        if type == "vq" || type == "ema", let beta = number("beta") { options.commitmentWeight = Float(beta) }
        options.modalMask = config.value(["enc_modal_mask"]) as? Bool ?? true
        if config.value(["norm_latents"]) as? Bool ?? true {
            let name = config.value(["norm_latents_type"]) as? String ?? "ln"
            guard let kind = FeatureNormalization(rawValue: name) else { throw config.fault(["norm_latents_type"]) }
            options.normalization = kind
        } else {
            options.normalization = nil
        }
        options.addsState = config.value(["enc_add_state"]) as? Bool ?? false
        options.lastNorm = config.value(["decoder_last_ln"]) as? Bool ?? true
        options.loss = ReconstructionLoss(rawValue: try config.string("loss_type")) ?? .l2
        options.stateLoss = StateLoss(rawValue: try config.string("state_loss_type")) ?? .l2
        options.stateWeight = Float(try config.double("lambda_aux"))
        self.options = options
    }

    /// The input of a pass of training, with its noise.
    ///
    /// - Parameters:
    ///   - prefix: of the tensors' names: `step0.`.
    ///   - step: passes before.
    func input(_ file: SafeTensors, prefix: String, step: Int = 0, on backend: any Backend) throws -> LatentActionInput
    {
        let features = try file.tensor(prefix + "features")
        guard features.shape.count == 4, features.shape[1] == 4, features.shape[3] == featureWidth else {
            throw ParityError.badTensor(
                path: file.path, name: prefix + "features", expected: "[B, 4, N, \(featureWidth)]",
                got: features.shape)
        }
        let noise = file.tensors[prefix + "noise"]?.floats() ?? []
        return LatentActionInput(
            patches: backend.tensor(features.floats(), features.shape),
            states: try states(file, prefix, batch: features.shape[0], on: backend),
            training: TrainingPass(step: step, noise: noise))
    }

    private func states(
        _ file: SafeTensors, _ prefix: String, batch: Int, on backend: any Backend
    ) throws -> RobotStates {
        let states = try file.tensor(prefix + "states"), mask = try file.integers(prefix + "state_mask")
        let width = options.maxStateDim
        let ids = try file.integers(prefix + "embodiment_ids").map { Int($0) }
        guard states.shape == [batch, 2, width], mask.count == states.count, ids.count == batch,
            ids.allSatisfy((0..<options.embodiments).contains)
        else {
            throw ParityError.badTensor(
                path: file.path, name: prefix + "states", expected: "[\(batch), 2, \(width)]", got: states.shape)
        }
        return RobotStates(
            states.floats(), isKnown: mask.map { $0 != 0 }, delta: try file.tensor(prefix + "delta_proprio").floats(),
            embodiments: ids, width: width, on: backend)
    }
}

extension ParityConfig {
    func string(_ keys: String...) throws -> String {
        guard let text = value(keys) as? String else { throw fault(keys) }
        return text
    }
}
