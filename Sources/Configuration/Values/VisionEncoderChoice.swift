import LAM

/// What turns frames into the features that the model predicts.
public enum VisionEncoderChoice: String, ConfigChoice {
    case pixels
    case dinov3ViTS16 = "dinov3-vits16"
    case dinov3ViTB16 = "dinov3-vitb16"
    case dinov3ViTL16 = "dinov3-vitl16"
    case dinov2ViTS14 = "dinov2-vits14-reg"
    case dinov2ViTB14 = "dinov2-vitb14-reg"
    case dinov2ViTL14 = "dinov2-vitl14-reg"

    /// A kind of network, of any size.
    public enum Network: Sendable {
        case pixels, dinov3, dinov2
    }

    public var network: Network {
        switch self {
        case .pixels: .pixels
        case .dinov3ViTS16, .dinov3ViTB16, .dinov3ViTL16: .dinov3
        case .dinov2ViTS14, .dinov2ViTB14, .dinov2ViTL14: .dinov2
        }
    }

    /// Of the published network; nil for `pixels`.
    public var sizes: VisionTransformerSizes? {
        switch self {
        case .pixels: nil
        case .dinov3ViTS16: .vitS16
        case .dinov3ViTB16: .vitB16
        case .dinov3ViTL16: .vitL16
        case .dinov2ViTS14: .vitS14
        case .dinov2ViTB14: .vitB14
        case .dinov2ViTL14: .vitL14
        }
    }

    /// The only patch size, in pixels, that the encoder works with; nil where any will do.
    public var patchSize: Int? { sizes?.patchSize }

    /// Where the usual downloaders put its weights; nil for an encoder without weights.
    public var source: PretrainedSource? {
        switch self {
        case .pixels: nil
        case .dinov3ViTS16: .dinov3(timm: "small", transformers: "vits16")
        case .dinov3ViTB16: .dinov3(timm: "base", transformers: "vitb16")
        case .dinov3ViTL16: .dinov3(timm: "large", transformers: "vitl16")
        case .dinov2ViTS14: .dinov2("dinov2_vits14", transformers: "small")
        case .dinov2ViTB14: .dinov2("dinov2_vitb14", transformers: "base")
        case .dinov2ViTL14: .dinov2("dinov2_vitl14", transformers: "large")
        }
    }

    /// The encoder that weights are of, by names and shapes of two tensors; nil where none is known by them. One of no published
    /// width is taken for the base size, which stands for all others.
    public init?(ofWeights shape: (_ name: String) -> [Int]?) {
        // Only DINOv2 has a position table, and both have a class token.
        guard let token = shape("cls_token") else { return nil }
        let network: Network = shape("pos_embed") == nil ? .dinov3 : .dinov2
        let known = Self.allCases.first { $0.network == network && $0.sizes?.width == token.last }
        self = known ?? (network == .dinov3 ? .dinov3ViTB16 : .dinov2ViTB14)
    }

    /// The published network that weights of these sizes are of, where it is another than this one.
    public func confused(with sizes: VisionTransformerSizes) -> VisionEncoderChoice? {
        guard sizes != self.sizes else { return nil }
        return Self.allCases.first { $0.network == network && $0.sizes == sizes }
    }
}

/// Where a pretrained network can be had.
public enum PretrainedSource: Sendable, Equatable {
    /// Hugging Face's hub and its cache: the first of these repositories that is there.
    case hub(repositories: [String])
    /// A file below an address, which `torch.hub` keeps under the same name; or else in one of these repositories of the hub's cache.
    case torchHub(name: String, folder: String, repositories: [String])

    fileprivate static func dinov3(timm size: String, transformers name: String) -> PretrainedSource {
        .hub(repositories: [
            "timm/vit_\(size)_patch16_dinov3.lvd1689m", "facebook/dinov3-\(name)-pretrain-lvd1689m",
        ])
    }

    fileprivate static func dinov2(_ name: String, transformers size: String) -> PretrainedSource {
        .torchHub(
            name: "\(name)_reg4_pretrain.pth", folder: "https://dl.fbaipublicfiles.com/dinov2/\(name)",
            repositories: ["facebook/dinov2-with-registers-\(size)"])
    }
}
