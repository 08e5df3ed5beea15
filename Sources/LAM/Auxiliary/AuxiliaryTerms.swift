/// What a model's loss has beside the family's own terms, all of it off by default.
public struct AuxiliaryTerms: Sendable, Equatable {
    /// Numbers of a label that a linear head predicts of the action's latents; 0 for a model without the head.
    public var labelWidth = 0
    /// Weight of the head's mean squared error over the labels that are known.
    public var labelWeight: Float = 0
    /// Weight of the reversal term: latents of a pair and of the pair turned round shall add up to 0.
    public var reversalWeight: Float = 0
    /// Weight of the additivity term: latents from the first to the second and from there to the last of several frames shall add
    /// up to those from the first to the last.
    public var additivityWeight: Float = 0

    public init() {}

    /// Whether there is any.
    public var isAny: Bool { labelWidth > 0 || reversalWeight > 0 || additivityWeight > 0 }
}
