import Formats
import Frozen
import Tensor

// Axes: F frames, N patches of a frame, S = prefix + N tokens, E width.

/// A frozen vision transformer: patches, prefix tokens (CLS and registers), pre-norm blocks, a last norm. What makes a
/// DINOv2 or a DINOv3 of it is how its tokens get their positions.
///
/// Runs without a tape, a few frames at a time over the same buffers, so that its memory does not grow with the batch.
struct VisionTransformer {
    let sizes: VisionTransformerSizes
    let backend: any Backend
    /// Type of what lies between the products of a block.
    private let activationType: DType
    /// `[E, 3 p p]`.
    private let patchEmbedding: LinearMap
    /// CLS and register tokens, `[prefix, E]`.
    private let prefix: Tensor
    private let blocks: [VisionTransformerBlock]
    private let norm: FrozenNorm
    /// Blocks that features are the output of; nil for all of them and the last norm.
    private let depth: Int?

    /// How a grid of patches gets its positions.
    struct Positions {
        /// `[N, E]`, added to the embedded patches.
        var added: Tensor?
        /// Turns q and k of the patches in every block.
        var rotation: RotaryPositions?
    }

    /// Gets activations that the next operation overwrites: they are valid during the call only.
    typealias Observer = (_ name: String, _ activation: Tensor) -> Void

    /// Tokens in the air at once: 20 frames of 224 px in patches of 16. The largest buffer has `hidden` floats for each,
    /// 50 MB in a ViT-B; matrix products of so many rows lose nothing to a larger batch.
    private static let tokenBudget = 4096

    /// - Parameters:
    ///   - prefix: `[1 + registers, E]`, with what positions they have.
    ///   - layerScale: what the factors behind attention and MLP are called in a block, each with its aliases.
    ///   - layer: whose output the features are: -1 is the last block behind the last norm, -2 the one before without a norm.
    ///   - qkvBias: reads the bias of a block's q, k and v, `[3E]`.
    init(
        _ reader: inout VisionWeightReader, _ sizes: VisionTransformerSizes, prefix: [Float], epsilon: Float,
        layerScale: (attention: [String], mlp: [String]), layer: Int = -1, autocast: Autocast, on backend: any Backend,
        qkvBias: (inout VisionWeightReader, _ block: String) throws(FormatError) -> [Float]?
    ) throws(FormatError) {
        self.sizes = sizes
        self.backend = backend
        activationType = autocast == .off ? .f32 : .bf16
        let width = sizes.width, patch = sizes.patchSize
        self.prefix = backend.tensor(prefix, [1 + sizes.registers, width])
        let loader = VisionLayerLoader(backend: backend, weightType: activationType)
        patchEmbedding = try loader.linear(
            &reader, "patch_embed.proj", out: width, in: 3 * patch * patch, stored: [width, 3, patch, patch])
        var blocks: [VisionTransformerBlock] = []
        for index in 0..<sizes.depth {
            let name = "blocks.\(index)"
            func own(_ names: [String]) -> [String] { names.map { "\(name).\($0)" } }
            let norm1 = try loader.norm(&reader, "\(name).norm1", width: width, epsilon: epsilon)
            let qkvWeight = try reader.floats("\(name).attn.qkv.weight", [3 * width, width])
            let bias = try qkvBias(&reader, name)
            blocks.append(
                VisionTransformerBlock(
                    norm1: norm1,
                    qkv: LinearMap(
                        weight: loader.matrix(qkvWeight, [3 * width, width]),
                        bias: bias.map { backend.tensor($0, [3 * width]) }),
                    projection: try loader.linear(
                        &reader, "\(name).attn.proj", out: width, in: width, scaledBy: own(layerScale.attention)),
                    norm2: try loader.norm(&reader, "\(name).norm2", width: width, epsilon: epsilon),
                    expand: try loader.linear(&reader, "\(name).mlp.fc1", out: sizes.hidden, in: width),
                    contract: try loader.linear(
                        &reader, "\(name).mlp.fc2", out: width, in: sizes.hidden,
                        scaledBy: own(layerScale.mlp))))
        }
        guard layer < 0, -layer <= sizes.depth else {
            throw reader.fault(
                .sizes("blocks", shape: [sizes.depth], expected: "\(-layer) blocks for the features of layer \(layer)"))
        }
        depth = layer == -1 ? nil : sizes.depth + layer + 1
        self.blocks = blocks
        norm = try loader.norm(&reader, "norm", width: width, epsilon: epsilon)
    }

    /// Features f32 `[B, T, N, E]` of frames u8 `[B, T, 3, H, W]`: patch tokens, normalised unless they are of an earlier layer.
    func features(
        _ frames: Tensor, on backend: any Backend, _ positions: (PatchGrid) -> Positions
    ) -> Tensor {
        precondition(
            backend === self.backend,
            "the encoder's weights are on \(self.backend.summary), the frames on \(backend.summary)")
        let grid = PatchGrid(frames, patchSize: sizes.patchSize)
        let tokens = encode(frames, in: grid, at: positions(grid), keepsPrefix: false, depth: depth, observer: nil)
        return tokens.reshaped([frames.shape[0], frames.shape[1], grid.count, sizes.width])
    }

    /// All normalised tokens `[B T, S, E]` of frames u8 `[B, T, 3, H, W]`.
    ///
    /// - Parameter observer: gets `patch_embed` `[F, N, E]` and `block0`, `block1` … `[F, S, E]` of some frames at a time.
    func tokens(_ frames: Tensor, observer: Observer?, _ positions: (PatchGrid) -> Positions) -> Tensor {
        let grid = PatchGrid(frames, patchSize: sizes.patchSize)
        return encode(frames, in: grid, at: positions(grid), keepsPrefix: true, depth: nil, observer: observer)
    }

    private func encode(
        _ frames: Tensor, in grid: PatchGrid, at positions: Positions, keepsPrefix: Bool, depth: Int?,
        observer: Observer?
    ) -> Tensor {
        let (count, height, width) = (frames.shape[0] * frames.shape[1], frames.shape[3], frames.shape[4])
        let patches = grid.count
        let tokens = 1 + sizes.registers + patches
        let kept = keepsPrefix ? tokens : patches
        let out = backend.empty([count, kept, sizes.width])
        // Portions of equal size, so that the last is not a small and hence slow one.
        let limit = max(1, Self.tokenBudget / tokens)
        let portions = max(1, (count + limit - 1) / limit)
        let most = max(1, (count + portions - 1) / portions)
        let workspace = Workspace(
            frames: most, patches: patches, tokens: tokens, sizes, type: activationType, on: backend)
        for first in stride(from: 0, to: count, by: most) {
            let size = min(most, count - first)
            let frameSize = 3 * height * width
            let some = frames.range(first * frameSize, size * frameSize).reshaped([size, 3, height, width])
            let normalized = blockOutput(
                of: some, in: workspace.first(size), at: positions, depth: depth, observer: observer)
            let plan = BlockCopy(
                blocks: size, length: kept * sizes.width, source: (tokens - kept) * sizes.width,
                sourceStride: tokens * sizes.width, target: first * kept * sizes.width,
                targetStride: kept * sizes.width)
            backend.copy(plan, from: normalized, to: out, accumulate: false)
        }
        return out
    }

    /// What the first `depth` blocks give; nil for all of them and the last norm.
    private func blockOutput(
        of frames: Tensor, in workspace: Workspace, at positions: Positions, depth: Int?, observer: Observer?
    ) -> Tensor {
        backend.patchify(
            frames, patchSize: sizes.patchSize, mean: ImageNetNormalization.mean, std: ImageNetNormalization.std,
            into: workspace.pixels)
        if workspace.operand.dtype != .f32 { backend.cast(workspace.pixels, into: workspace.operand) }
        patchEmbedding(workspace.operand, into: workspace.embedded, on: backend)
        observer?("patch_embed", workspace.embedded)
        if let added = positions.added { backend.add(workspace.embedded, added, into: workspace.embedded) }
        let xFSE = workspace.tokens
        let (frameCount, prefixCount) = (xFSE.shape[0], prefix.count), rowCount = xFSE.shape[1] * sizes.width
        backend.copy(
            BlockCopy(blocks: frameCount, length: prefixCount, sourceStride: 0, targetStride: rowCount),
            from: prefix, to: xFSE, accumulate: false)
        let patchCount = rowCount - prefixCount
        backend.copy(
            BlockCopy(
                blocks: frameCount, length: patchCount, sourceStride: patchCount, target: prefixCount,
                targetStride: rowCount),
            from: workspace.embedded, to: xFSE, accumulate: false)
        for (index, block) in blocks.prefix(depth ?? blocks.count).enumerated() {
            block(xFSE, workspace.blocks, heads: sizes.heads, rotation: positions.rotation, on: backend)
            observer?("block\(index)", xFSE)
        }
        guard depth == nil else { return xFSE }
        let normalized = activationType == .f32 ? workspace.blocks.branch : xFSE
        norm(xFSE, into: normalized, on: backend)
        return normalized
    }
}

/// Everything that the frames of one portion are computed in.
private struct Workspace {
    /// `[F, N, 3 p p]`.
    let pixels: Tensor
    /// The pixels in the type in which products take them.
    let operand: Tensor
    /// `[F, N, E]`.
    let embedded: Tensor
    /// `[F, S, E]`.
    let tokens: Tensor
    let blocks: VisionTransformerBlock.Buffers

    init(
        frames: Int, patches: Int, tokens: Int, _ sizes: VisionTransformerSizes, type: DType, on backend: any Backend
    ) {
        func buffer(_ rows: Int, _ columns: Int, _ type: DType = .f32) -> Tensor {
            backend.empty([frames, rows, columns], type)
        }
        pixels = buffer(patches, 3 * sizes.patchSize * sizes.patchSize)
        operand = type == .f32 ? pixels : buffer(patches, 3 * sizes.patchSize * sizes.patchSize, type)
        embedded = buffer(patches, sizes.width)
        self.tokens = buffer(tokens, sizes.width)
        blocks = VisionTransformerBlock.Buffers(
            branch: buffer(tokens, sizes.width, type), qkv: buffer(tokens, 3 * sizes.width, type),
            hidden: buffer(tokens, sizes.hidden, type))
    }

    private init(_ whole: Workspace, frames: Int) {
        func part(_ tensor: Tensor) -> Tensor {
            let inner = Array(tensor.shape.dropFirst())
            return tensor.range(0, frames * inner.product).reshaped([frames] + inner)
        }
        pixels = part(whole.pixels)
        operand = part(whole.operand)
        embedded = part(whole.embedded)
        tokens = part(whole.tokens)
        blocks = VisionTransformerBlock.Buffers(
            branch: part(whole.blocks.branch), qkv: part(whole.blocks.qkv), hidden: part(whole.blocks.hidden))
    }

    /// The same memory for fewer frames.
    func first(_ frames: Int) -> Workspace { Workspace(self, frames: frames) }
}
