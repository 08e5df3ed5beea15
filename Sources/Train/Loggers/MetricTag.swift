/// The names of logged values: the original's, as Lightning writes them.
public enum MetricTag {
    /// What a value was measured in.
    public enum Phase: String, Sendable {
        case train, val, test
    }

    /// A value of the loss function.
    public enum Term: String, Sendable, CaseIterable {
        case mse = "mse_loss"
        case quantization = "q_loss"
        case commitment = "commit_loss"
        case codeUsage = "code_usage"
    }

    /// The epoch, logged with every step as Lightning does.
    public static let epoch = "epoch"
    /// What TensorBoard's table of hyper-parameters wants.
    public static let hpMetric = "hp_metric"
    /// The learning rate, as `LearningRateMonitor` names it.
    public static let learningRate = "lr-AdamW"

    /// The global gradient norm before clipping.
    public static let gradientNorm = "grad_norm_step"

    /// Loss of predicting that nothing changes: `train/copy_baseline`.
    public static func copyBaseline(_ phase: Phase) -> String { "\(phase.rawValue)/copy_baseline" }

    /// `train_loss`.
    public static func loss(_ phase: Phase) -> String { "\(phase.rawValue)_loss" }

    /// `train/mse_loss`.
    public static func term(_ term: Term, _ phase: Phase) -> String { "\(phase.rawValue)/\(term.rawValue)" }

    /// The tag of one step's value: `train_loss_step`.
    public static func step(_ tag: String) -> String { tag + "_step" }

    /// The tag of an epoch's mean: `train_loss_epoch`.
    public static func epoch(_ tag: String) -> String { tag + "_epoch" }

    /// The tags of a phase's values.
    static func tags(_ phase: Phase) -> [String] {
        [loss(phase)] + Term.allCases.map { term($0, phase) } + [copyBaseline(phase)]
    }

    /// A batch's values under their bare tags.
    static func values(of result: LAMModule.BatchResult, _ phase: Phase) -> [(tag: String, value: Double)] {
        let values = [
            result.loss, result.mseLoss, result.qLoss, result.commitLoss, result.codeUsage, result.copyBaseline,
        ]
        return zip(tags(phase), values).map { ($0, Double($1)) }
    }

    /// An evaluation's values under their bare tags.
    static func values(of evaluation: Evaluation, _ phase: Phase) -> [(tag: String, value: Double)] {
        let values = [
            evaluation.loss, evaluation.mseLoss, evaluation.qLoss, evaluation.commitLoss, evaluation.codeUsage,
            evaluation.copyBaseline,
        ]
        return zip(tags(phase), values).map { ($0, $1) }
    }
}
