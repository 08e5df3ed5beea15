/// What logged values mean, for people who meet their names for the first time.
enum MetricWords {
    /// Tags by their end or their whole, with what is measured and what it tells.
    private static let words: [(tag: String, unit: String, sentence: String)] = [
        (
            "train_loss_step", "loss",
            "What training makes small: the prediction's error and the bottleneck's own terms, on the step's batch."
        ),
        (
            "val_loss", "loss",
            "The loss on held-out episodes; once it rises while the training loss falls, the model overfits."
        ),
        (
            "error ÷ copy", "share",
            "The prediction's error over that of predicting that nothing changes; less is better. Below 1 alone does not say that "
                + "the codes are used: the evaluation's controls do."
        ),
        ("mse_loss_step", "mean squared error", "The prediction's error, in the units of the features."),
        ("val/mse_loss", "mean squared error", "The prediction's error on held-out episodes."),
        (
            "copy_baseline_step", "mean squared error",
            "The error of predicting that nothing changes; it is a property of the data and stays about level."
        ),
        (
            "val/copy_baseline", "mean squared error",
            "The error of predicting that nothing changes, on held-out episodes."
        ),
        ("q_loss_step", "loss", "How far codebook rows are from the latents that they stand for."),
        ("commit_loss_step", "loss", "How far latents are from their codebook rows."),
        ("kl_loss_step", "loss", "How far the latents' distribution is from a standard normal one."),
        ("code_usage_step", "share of codes", "Codes that the step's batch used; a falling curve means a collapse."),
        ("val/code_usage", "share of codes", "Codes that held-out episodes use."),
        (
            "perplexity_step", "codes",
            "How many codes are in use as if all were used alike; near the codebook's size is best, 1 is a collapse."
        ),
        ("val/perplexity", "codes", "How many codes held-out episodes use as if all were used alike."),
        ("active_dimensions_step", "dimensions", "Numbers of the latents that vary between pairs."),
        (
            "val/active_dimensions", "dimensions",
            "Numbers of the latents that vary between pairs of held-out episodes."
        ),
        (
            "val/control/other_episode", "standardised error",
            "The error with codes of other episodes: hardly above the own error means that the decoder ignores its codes."
        ),
        ("val/psnr", "dB", "The predicted pictures' signal over their error; more is better."),
        ("codes/dead", "codes", "Codes that no recent step has used; they are restarted."),
        ("codes/oldest_age", "steps", "How long the code that has waited longest was not used."),
        ("codes/restarts", "codes", "Codes restarted since the run began."),
        ("grad_norm_step", "norm", "The gradient's length before clipping; jumps mean that the learning rate is high."),
        ("lr-AdamW", "learning rate", "The optimiser's step size by its schedule."),
        ("throughput/samples_per_second", "samples/s", "Frame pairs trained on in a second."),
        (
            "throughput/ceiling_share", "share",
            "The run's arithmetic over the best rate of matrix products measured here."
        ),
        (
            "throughput/data_wait", "share",
            "The share of time spent waiting for data; above a tenth, give more workers."
        ),
    ]

    private static func entry(_ tag: String) -> (tag: String, unit: String, sentence: String)? {
        // Evaluations have the tags of validation.
        let tag = tag.hasPrefix("test") ? "val" + tag.dropFirst(4) : tag
        return words.first { tag == $0.tag }
            ?? words.first { tag.hasSuffix("/" + $0.tag) || tag.hasSuffix(" " + $0.tag) }
    }

    /// What an axis says; "value" of what is not known.
    static func unit(_ tag: String) -> String { entry(tag)?.unit ?? (tag.hasSuffix("_loss_step") ? "loss" : "value") }

    /// A sentence on a value; nil of what is not known.
    static func sentence(_ tag: String) -> String? { entry(tag)?.sentence }

    /// A table of those of `tags` that are known.
    static func table(_ tags: [String]) -> String? {
        let rows = tags.compactMap { tag in sentence(tag).map { [tag, $0] } }
        return rows.isEmpty ? nil : HTMLTable.of(rows)
    }
}
