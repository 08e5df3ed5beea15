import LAM

extension ModelConfiguration {
    /// Options of terms of the loss that every family can have.
    static let auxiliaryOptions: [ConfigOption<ModelConfiguration>] = [
        .init(
            "labels", \.labels,
            "What a linear head predicts of the action's latents, where datasets tell: the mean `action` of the pair's frames, or "
                + "the change of `state`. Pairs without it do not count.",
            differs: "New; a few labels make latents far more useful (Nikulin et al. 2025)."),
        .init(
            "label_weight", \.labelWeight, .nonNegative, "Weight of that head's mean squared error.", differs: "New."),
        .init(
            "label_share", \.labelShare, .share,
            "Share of each dataset's episodes whose labels are used, drawn by `seed_everything`.", differs: "New."),
        .init(
            "label_width", \.labelWidth, .from(1, to: 4_096), "Numbers of a label, padded or cut to so many.",
            differs: "New."),
        .init(
            "label_key", \.labelKey, "The column of labels; null: `action` or `observation.state`.", differs: "New."),
        .init(
            "reversal_weight", \.reversalWeight, .nonNegative,
            "Weight of the reversal term: encoder outputs of a pair and of the pair turned round shall cancel out.",
            differs: "New."),
        .init(
            "additivity_weight", \.additivityWeight, .nonNegative,
            "Weight of the additivity term: encoder outputs of neighbouring pairs shall add up to those of the pair of their outer "
                + "frames; needs `data.frames` of 3 or more.",
            differs: "New."),
    ]

    /// What the loss has beside the family's terms.
    public var auxiliary: AuxiliaryTerms {
        var terms = AuxiliaryTerms()
        if labels != .none { (terms.labelWidth, terms.labelWeight) = (labelWidth, Float(labelWeight)) }
        (terms.reversalWeight, terms.additivityWeight) = (Float(reversalWeight), Float(additivityWeight))
        return terms
    }
}
