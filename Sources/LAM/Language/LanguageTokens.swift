import Tensor

/// Instructions as a frozen text encoder gives them, one per sample: what conditions a latent action model on language.
public struct LanguageTokens {
    /// Last hidden states, `[B, S, Dl]`, constant.
    public let hidden: Tensor
    /// 1 for the tokens of an instruction and 0 for padding, `[B, S]` flat.
    public let mask: [Int32]

    public init(hidden: Tensor, mask: [Int32]) {
        precondition(
            hidden.shape.count == 3 && hidden.shape[0] * hidden.shape[1] == mask.count,
            "\(mask.count) mask values for hidden states \(hidden.shape)")
        self.hidden = hidden
        self.mask = mask
    }
}

/// Whose padding the encoder's attention leaves out, where a batch has instructions of different lengths.
public enum TextMask: String, Sendable, CaseIterable {
    /// That of the row's own sample.
    case aligned
    /// UniVLA's: masks repeat as `b0 b1 … b0 b1 …` while the rows are `b0t0 b0t1 b1t0 …`, so that most rows of a
    /// batch get another sample's (SPEC_LAM §9.40).
    case original
}
