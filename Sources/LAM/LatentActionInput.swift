import Tensor

/// What a latent action model reads of a batch of pairs.
public struct LatentActionInput {
    /// Features of both frames, `[B, 2, N, D]`, constant.
    public let patches: Tensor
    /// The instructions; exactly for a model that was made with a language width.
    public let language: LanguageTokens?
    /// Nil for an evaluation.
    public let training: TrainingPass?

    public init(patches: Tensor, language: LanguageTokens? = nil, training: TrainingPass? = nil) {
        (self.patches, self.language, self.training) = (patches, language, training)
    }
}
