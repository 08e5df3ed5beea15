import Formats

/// Sizes of a vision transformer, as its weights' shapes tell them.
public struct VisionTransformerSizes: Sendable, Equatable {
    /// Width E of a token, the features' width.
    public var width: Int
    public var depth: Int
    public var heads: Int
    /// Width of the feed-forward networks' hidden layer.
    public var hidden: Int
    /// Side of a patch in pixels.
    public var patchSize: Int
    /// Register tokens, between the CLS token and the patches.
    public var registers: Int

    public init(width: Int, depth: Int, heads: Int, hidden: Int, patchSize: Int, registers: Int) {
        self.width = width
        self.depth = depth
        self.heads = heads
        self.hidden = hidden
        self.patchSize = patchSize
        self.registers = registers
    }

    /// ViT-S with patches of 16 pixels and four registers: `vit_small_patch16_dinov3`.
    public static let vitS16 = VisionTransformerSizes(
        width: 384, depth: 12, heads: 6, hidden: 1536, patchSize: 16, registers: 4)

    /// ViT-L with patches of 16 pixels and four registers: `vit_large_patch16_dinov3`.
    public static let vitL16 = VisionTransformerSizes(
        width: 1024, depth: 24, heads: 16, hidden: 4096, patchSize: 16, registers: 4)

    /// ViT-S with patches of 14 pixels and four registers: `dinov2_vits14_reg`.
    public static let vitS14 = VisionTransformerSizes(
        width: 384, depth: 12, heads: 6, hidden: 1536, patchSize: 14, registers: 4)

    /// ViT-L with patches of 14 pixels and four registers: `dinov2_vitl14_reg`.
    public static let vitL14 = VisionTransformerSizes(
        width: 1024, depth: 24, heads: 16, hidden: 4096, patchSize: 14, registers: 4)

    /// ViT-B with patches of 16 pixels and four registers: `vit_base_patch16_dinov3`, 85,641,216 parameters.
    public static let vitB16 = VisionTransformerSizes(
        width: 768, depth: 12, heads: 12, hidden: 3072, patchSize: 16, registers: 4)

    /// ViT-B with patches of 14 pixels and four registers: `dinov2_vitb14_reg`, whose learned positions are 37 x 37.
    public static let vitB14 = VisionTransformerSizes(
        width: 768, depth: 12, heads: 12, hidden: 3072, patchSize: 14, registers: 4)

    /// Work of one frame's forward pass, counting a multiplication and an addition as two.
    ///
    /// - Parameter patches: N of the frame.
    public func flops(patches: Int) -> Double {
        let (tokens, width) = (Double(1 + registers + patches), Double(width))
        let products = tokens * (4 * width * width + 2 * width * Double(hidden)) + 2 * tokens * tokens * width
        return 2 * (Double(depth) * products + Double(patches * 3 * patchSize * patchSize) * width)
    }

    /// Width of a head; that of the published models is 64.
    static let headWidth = 64

    /// - Parameters:
    ///   - registers: the register tokens' name, and what the same tensor is called elsewhere; nil for a network
    ///     without.
    ///   - heads: nil where heads are 64 wide.
    ///   - headMultiple: what a head's width must be a multiple of.
    init(
        _ reader: VisionWeightReader, registers: [String]?, heads: Int?, headMultiple: Int
    ) throws(FormatError) {
        let patchName = "patch_embed.proj.weight"
        let patch = try reader.tensor([patchName]).shape
        guard patch.count == 4, patch[1] == 3, patch[2] == patch[3] else {
            throw reader.fault(.sizes(patchName, shape: patch, expected: "shape [width, 3, patch, patch]"))
        }
        width = patch[0]
        patchSize = patch[2]
        guard heads != nil || width % Self.headWidth == 0 else {
            throw reader.fault(
                .sizes(patchName, shape: patch, expected: "a width that is a multiple of \(Self.headWidth)"))
        }
        let heads = heads ?? width / Self.headWidth
        guard heads > 0, width % heads == 0, width / heads % headMultiple == 0 else {
            let expected = "a width of \(heads) heads whose widths are multiples of \(headMultiple)"
            throw reader.fault(.sizes(patchName, shape: patch, expected: expected))
        }
        self.heads = heads
        if let registers {
            let shape = try reader.tensor(registers).shape
            guard shape.count == 3, shape[0] == 1, shape[2] == width else {
                throw reader.fault(.sizes(registers[0], shape: shape, expected: "shape [1, registers, \(width)]"))
            }
            self.registers = shape[1]
        } else {
            self.registers = 0
        }
        depth = reader.blockCount
        let hiddenName = "blocks.0.mlp.fc1.weight"
        let shape = try reader.tensor([hiddenName]).shape
        guard shape.count == 2, shape[1] == width else {
            throw reader.fault(.sizes(hiddenName, shape: shape, expected: "shape [hidden, \(width)]"))
        }
        hidden = shape[0]
    }
}
