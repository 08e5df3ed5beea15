import Configuration
import LAM
import Reports

/// The names of logged values: the original's, as Lightning writes them.
public enum MetricTag {
    /// What a value was measured in.
    public enum Phase: String, Sendable {
        case train, val, test
    }

    /// The epoch, logged with every step as Lightning does.
    public static let epoch = "epoch"
    /// What TensorBoard's table of hyper-parameters wants.
    public static let hpMetric = "hp_metric"
    /// The learning rate, as `LearningRateMonitor` names it.
    public static let learningRate = "lr-AdamW"

    /// The global gradient norm before clipping.
    public static let gradientNorm = "grad_norm_step"

    /// The gradient norm of a part of the model before clipping: `grad_norm/encoder.transformer_blocks.0`.
    static func blockNorm(_ part: String) -> String { "grad_norm/\(part)" }

    /// The root mean square of what a block gives: `activation_rms/encoder.transformer_blocks.0`.
    static func activationRMS(_ part: String) -> String { "activation_rms/\(part)" }

    /// Codes that no step has used for `model.restart_every_n_steps` steps, steps since the code that was not used for
    /// longest, restarts since the run began, and occurrences of each code in a step.
    public static let deadCodes = "codes/dead"
    public static let oldestCode = "codes/oldest_age"
    public static let restartedCodes = "codes/restarts"
    public static let codeUses = RunLog.codeUsesTag

    /// Of a run of several processes: milliseconds a step in which gradients and values were on their way, and those of
    /// them in which nothing was computed.
    public static let communication = "throughput/communication_ms"
    public static let exposedCommunication = "throughput/communication_exposed_ms"

    /// Samples that were bad and replaced since the run began, where `data.on_bad_sample` is `skip`.
    public static let skippedSamples = "data/skipped_samples"

    /// Samples a second over the last steps, their share of what the machine's best rate of products would give, and the
    /// share of time spent waiting for data.
    public static let samplesPerSecond = "throughput/samples_per_second"
    public static let ceilingShare = "throughput/ceiling_share"
    public static let waitingShare = "throughput/data_wait"

    /// Loss of predicting that nothing changes: `train/copy_baseline`.
    public static func copyBaseline(_ phase: Phase) -> String { "\(phase.rawValue)/copy_baseline" }

    /// Of an evaluation: e to the entropy of code use, decibels of the predicted pictures.
    public static func perplexity(_ phase: Phase) -> String { "\(phase.rawValue)/perplexity" }
    public static func psnr(_ phase: Phase) -> String { "\(phase.rawValue)/psnr" }

    /// What becomes of predictions with other latents: `val/control/zero`.
    package static func control(_ phase: Phase, _ name: String) -> String { "\(phase.rawValue)/control/\(name)" }

    /// Explained share of a dataset's actions: `val/probe_change/latents/my_arm`.
    package static func probe(_ phase: Phase, _ target: String, _ source: String, dataset: String) -> String {
        "\(phase.rawValue)/probe_\(target)/\(source)/\(dataset)"
    }

    /// `train_loss`.
    public static func loss(_ phase: Phase) -> String { "\(phase.rawValue)_loss" }

    /// A term of the loss by the name that the model gives it, the share of codes in use, or the number of dimensions that
    /// vary: `train/mse_loss`.
    public static func term(_ name: String, _ phase: Phase) -> String { "\(phase.rawValue)/\(name)" }

    /// The tag of one step's value: `train_loss_step`.
    public static func step(_ tag: String) -> String { tag + "_step" }

    /// The tag of an epoch's mean: `train_loss_epoch`.
    public static func epoch(_ tag: String) -> String { tag + "_epoch" }

    /// The bare tags of a phase's values.
    static func tags(of model: any LatentActionModeling, _ phase: Phase) -> [String] {
        values(of: BatchStatistics(of: model), phase).map(\.tag)
    }

    /// A batch's means under their bare tags.
    package static func values(of batch: BatchStatistics, _ phase: Phase) -> [(tag: String, value: Double)] {
        tagged(
            phase, batch.losses / batch.samples,
            latents: batch.codes.map { ($0.name, $0.usage) } + active(batch.spreads),
            copyBaseline: batch.copyBaseline / batch.samples)
    }

    /// An evaluation's values under their bare tags.
    package static func values(of evaluation: Evaluation, _ phase: Phase) -> [(tag: String, value: Double)] {
        tagged(
            phase, evaluation.losses,
            latents: zip(evaluation.codes, evaluation.codeUsage).map { ($0.name, $1) } + active(evaluation.spreads),
            copyBaseline: evaluation.copyBaseline)
    }

    private static func active(_ spreads: [LatentSpread]) -> [(name: String, value: Double)] {
        spreads.map { ($0.name, Double($0.active)) }
    }

    private static func tagged(
        _ phase: Phase, _ losses: LossTerms, latents: [(name: String, value: Double)], copyBaseline: Double
    ) -> [(tag: String, value: Double)] {
        let named = losses.terms.map { ($0.name.tag, $0.value) } + latents.map { ($0.name, $0.value) }
        return [(loss(phase), losses.total)] + named.map { (term($0, phase), $1) }
            + [(self.copyBaseline(phase), copyBaseline)]
    }
}
