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

    /// `train_loss`.
    public static func loss(_ phase: Phase) -> String { "\(phase.rawValue)_loss" }

    /// `train/mse_loss`.
    public static func term(_ term: Term, _ phase: Phase) -> String { "\(phase.rawValue)/\(term.rawValue)" }

    /// The tag of one step's value: `train_loss_step`.
    public static func step(_ tag: String) -> String { tag + "_step" }

    /// The tag of an epoch's mean: `train_loss_epoch`.
    public static func epoch(_ tag: String) -> String { tag + "_epoch" }
}
