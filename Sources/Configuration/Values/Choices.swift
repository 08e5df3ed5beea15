import Collectives
import LAM
import NN

/// What turns frames into the features that the model predicts.
public enum VisionEncoderChoice: String, ConfigChoice {
    case pixels
    case dinov3ViTB16 = "dinov3-vitb16"
    case dinov2ViTB14 = "dinov2-vitb14-reg"

    /// The only patch size, in pixels, that the encoder works with; nil where any will do.
    public var patchSize: Int? {
        switch self {
        case .pixels: nil
        case .dinov3ViTB16: 16
        case .dinov2ViTB14: 14
        }
    }

    /// Where the usual downloaders put its weights; nil for an encoder without weights.
    public var source: PretrainedSource? {
        switch self {
        case .pixels: nil
        case .dinov3ViTB16: .hub(repository: "timm/vit_base_patch16_dinov3.lvd1689m")
        case .dinov2ViTB14:
            .torchHub(
                name: "dinov2_vitb14_reg4_pretrain.pth",
                folder: "https://dl.fbaipublicfiles.com/dinov2/dinov2_vitb14")
        }
    }

    /// The encoder that weights are of, by what they are called; nil where none is known by them.
    public init?(ofWeights has: (_ name: String) -> Bool) {
        // Only DINOv2 has a position table, and both have a class token.
        if has("pos_embed") {
            self = .dinov2ViTB14
        } else if has("cls_token") {
            self = .dinov3ViTB16
        } else {
            return nil
        }
    }
}

/// Where a pretrained network can be had.
public enum PretrainedSource: Sendable, Equatable {
    /// Hugging Face's hub and its cache.
    case hub(repository: String)
    /// A file below an address, which `torch.hub` keeps under the same name.
    case torchHub(name: String, folder: String)
}

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
