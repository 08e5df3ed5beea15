import Tensor

/// What a latent action model reads of a batch of pairs.
public struct LatentActionInput {
    /// Features of the frames, `[B, 2, N, D]`, constant; of a model that can take them also those of a second view behind them,
    /// `[B, 4, N, D]`, or of more frames, `[B, frames, N, D]`.
    public let patches: Tensor
    /// The instructions; exactly for a model that was made with a language width.
    public let language: LanguageTokens?
    /// The robots' states, for a model that reads them; nil where a dataset has none.
    public let states: RobotStates?
    /// What is known of the pairs, for a model with a head of labels; nil where nothing is.
    public let labels: PairLabels?
    /// Frames of a view: 2, or more where each sample is a window of several.
    public let frames: Int
    /// Nil for an evaluation.
    public let training: TrainingPass?

    public init(
        patches: Tensor, language: LanguageTokens? = nil, states: RobotStates? = nil, labels: PairLabels? = nil,
        frames: Int = 2, training: TrainingPass? = nil
    ) {
        (self.patches, self.language, self.states, self.training) = (patches, language, states, training)
        (self.labels, self.frames) = (labels, frames)
    }
}
