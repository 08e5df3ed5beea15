import NN

/// A family of latent action models: how one is built from its options, how it is told from others in a file of
/// weights, and what its parts are called. A value describes one model.
///
/// A family is a folder with its models and a type of this protocol, an entry in `ModelFamilies.all`, and the options
/// that configuration files have for it.
public protocol ModelFamily: Sendable {
    /// What configuration files call it.
    static var name: String { get }

    /// What the model that a state dict is of is called among those of the family; nil for one of another family.
    ///
    /// - Parameter has: whether the state dict has a tensor of that name.
    static func kind(ofStateDict has: (_ name: String) -> Bool) -> String?

    /// What messages call a model like this: `stage-1`.
    var kind: String { get }
    /// Where a checkpoint has the weights of the frozen encoders.
    var layout: StateDictLayout { get }

    /// Declares the model's parameters in `scope`.
    ///
    /// - Parameters:
    ///   - featureWidth: D of the vision encoder.
    ///   - languageWidth: width of the text encoder; nil without one.
    func model(_ scope: ParameterScope, featureWidth: Int, languageWidth: Int?) -> any LatentActionModeling

    /// What to do where a checkpoint is of a model of another `kind`: the end of a message.
    func remedy(forCheckpointOf kind: String) -> String

    /// The part of the model whose gradient norm a parameter's gradient belongs to: `encoder.transformer_blocks.3`, `vq`.
    func part(ofParameter name: String) -> String
    /// The part of the model whose output an observed activation is; nil for what is not logged.
    func part(ofActivation name: String) -> String?
}

/// Where a state dict has what is not the model's own: the frozen encoders that the model was trained with.
public struct StateDictLayout: Sendable {
    /// The names of the encoders' weights begin with these and a dot.
    public let visionEncoder: String
    public let textEncoder: String
    /// Whether a parameter stands in front of the vision encoder's weights; those that do are the model's first ones.
    public let precedesVisionEncoder: @Sendable (_ parameter: String) -> Bool
    /// The parameter that the text encoder's weights stand in front of.
    public let followsTextEncoder: String
}

/// The families that there are.
public enum ModelFamilies {
    /// The first is the default, and the one whose model a file is taken for that no other family knows: its files are
    /// older than any mark.
    public static let all: [any ModelFamily.Type] = [TwoStageFamily.self, LawamFamily.self]

    /// What the model that a state dict is of is called.
    public static func kind(ofStateDict has: (_ name: String) -> Bool) -> String {
        for family in all.reversed() {
            if let kind = family.kind(ofStateDict: has) { return kind }
        }
        return all[0].name
    }
}
