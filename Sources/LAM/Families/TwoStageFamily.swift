import NN

/// Which latent action model is trained.
public enum TrainingStage: String, Sendable, CaseIterable {
    case stage1 = "stage-1"
    case stage2 = "stage-2"
}

/// The models of the original and of UniVLA: `LatentActionModel`, and `ControllableLatentActionModel` that goes on from
/// its codebook.
public struct TwoStageFamily: ModelFamily {
    public static let name = "two-stage"

    public let stage: TrainingStage
    public let options: LatentActionModelOptions
    /// Codes of stage 1's codebook, which stage 2 keeps.
    public var frozenCodes: Int

    /// - Parameter frozenCodes: nil for the original's number of them.
    public init(_ stage: TrainingStage, _ options: LatentActionModelOptions, frozenCodes: Int? = nil) {
        (self.stage, self.options) = (stage, options)
        self.frozenCodes = frozenCodes ?? ControllableLatentActionModel.originalFrozenCodes
    }

    public static func kind(ofStateDict has: (_ name: String) -> Bool) -> String? {
        (has("action_latent_controllable") ? TrainingStage.stage2 : .stage1).rawValue
    }

    public var kind: String { stage.rawValue }

    public var layout: StateDictLayout {
        StateDictLayout(
            visionEncoder: "dino_encoder", textEncoder: "text_encoder",
            precedesVisionEncoder: { $0.hasPrefix("action_latent") }, followsTextEncoder: "lang_proj.weight")
    }

    public func model(
        _ scope: ParameterScope, featureWidth: Int, languageWidth: Int?
    ) -> any LatentActionModeling {
        switch stage {
        case .stage1:
            LatentActionModel(scope, featureWidth: featureWidth, languageWidth: languageWidth, options)
        case .stage2:
            ControllableLatentActionModel(scope, featureWidth: featureWidth, frozenCodes: frozenCodes, options)
        }
    }

    public func remedy(forCheckpointOf kind: String) -> String {
        if kind == LawamFamily.name { return "set model.family to \(kind)" }
        return stage == .stage2 && kind == TrainingStage.stage1.rawValue
            ? "start stage 2 from it with model.stage_one_ckpt" : "set model.stage to \(kind)"
    }

    /// `encoder.transformer_blocks.3` of its parameters, `encoder.ffn`, `vq`.
    public func part(ofParameter name: String) -> String {
        let keys = name.split(separator: ".")
        let isBlock = keys.count > 2 && keys[1] == "transformer_blocks"
        let depth = isBlock ? 3 : ["encoder", "decoder"].contains(keys[0]) ? 2 : 1
        return keys.prefix(depth).joined(separator: ".")
    }

    /// `encoder.transformer_blocks.3` of `encoder.block3`.
    public func part(ofActivation name: String) -> String? {
        let keys = name.split(separator: ".")
        guard keys.count == 2, keys[1].hasPrefix("block"), let index = Int(keys[1].dropFirst("block".count)) else {
            return nil
        }
        return "\(keys[0]).transformer_blocks.\(index)"
    }
}
