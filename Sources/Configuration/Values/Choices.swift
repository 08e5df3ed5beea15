import Collectives
import LAM
import NN

/// What encodes the task instruction.
public enum TextEncoder: String, ConfigChoice {
    case none
    case t5Base = "t5-base"
}

extension WireFormat: ConfigChoice {}
extension TrainingStage: ConfigChoice {}
extension TextMask: ConfigChoice {}
extension CodeUsage: ConfigChoice {}
extension CodeRestart: ConfigChoice {}
extension ReconstructionLoss: ConfigChoice {}
extension StateLoss: ConfigChoice {}
extension FeatureNormalization: ConfigChoice {}
extension ParameterKind: ConfigChoice {}

/// What gradient clipping bounds.
public enum GradientClipAlgorithm: String, ConfigChoice {
    case norm, value
}

/// Whether a monitored value should fall or rise.
public enum MonitorMode: String, ConfigChoice {
    case min, max
}

/// The course of the learning rate after warm-up.
public enum ScheduleShape: String, ConfigChoice {
    case constant, cosine, wsd
}
