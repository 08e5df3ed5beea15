import NN

/// LaWAM's latent action models.
public struct LawamFamily: ModelFamily {
    public static let name = "lawam"

    public let options: LawamOptions

    public init(_ options: LawamOptions) { self.options = options }

    public static func kind(ofStateDict has: (_ name: String) -> Bool) -> String? {
        has("encoder.QFormer.queries") ? name : nil
    }

    public var kind: String { Self.name }

    public var layout: StateDictLayout {
        StateDictLayout(
            visionEncoder: "vision_encoder.model", textEncoder: "text_encoder", precedesVisionEncoder: { _ in false },
            followsTextEncoder: "")
    }

    public func model(
        _ scope: ParameterScope, featureWidth: Int, languageWidth: Int?
    ) -> any LatentActionModeling {
        LawamModel(scope, featureWidth: featureWidth, options)
    }

    public func remedy(forCheckpointOf kind: String) -> String {
        "set model.family to \(ModelFamilies.all[0].name) and model.stage to \(kind)"
    }

    /// `encoder.QFormer.layers.3`, `decoder.dec_layers.3`, `encoder.QFormer.q_cross_attn`, `state_decoder`, `vq`.
    public func part(ofParameter name: String) -> String {
        let keys = name.split(separator: ".")
        let depth =
            switch (keys[0], keys.count > 1 ? keys[1] : "") {
            case ("encoder", "QFormer"): keys.count > 2 && keys[2] == "layers" ? 4 : 3
            case ("decoder", "dec_layers"): 3
            case ("encoder", _), ("decoder", _): 2
            default: 1
            }
        return keys.prefix(depth).joined(separator: ".")
    }

    /// Of blocks, whose outputs are observed by their names among the parameters.
    public func part(ofActivation name: String) -> String? {
        guard let last = name.split(separator: ".").last, Int(last) != nil else { return nil }
        return name
    }
}
