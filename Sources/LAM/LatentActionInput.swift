import Tensor

/// What a latent action model reads of a batch of pairs.
public struct LatentActionInput {
    /// Features of both frames, `[B, 2, N, D]`, constant; of a model that can take them also those of a second view,
    /// `[B, 4, N, D]`.
    public let patches: Tensor
    /// The instructions; exactly for a model that was made with a language width.
    public let language: LanguageTokens?
    /// The robots' states, for a model that reads them; nil where a dataset has none.
    public let states: RobotStates?
    /// Nil for an evaluation.
    public let training: TrainingPass?

    public init(
        patches: Tensor, language: LanguageTokens? = nil, states: RobotStates? = nil, training: TrainingPass? = nil
    ) {
        (self.patches, self.language, self.states, self.training) = (patches, language, states, training)
    }
}
