import Frozen
import Tensor

// Axes: F frames, S tokens of a frame, E width, H hidden width.

/// A pre-norm block, `x += gamma_1 Attention(LN(x))`, `x += gamma_2 MLP(LN(x))`, with exact GELU.
///
/// LayerScale is part of the weights: `gamma (W x + b) = (gamma W) x + gamma b`, row by row.
struct VisionTransformerBlock {
    let norm1: FrozenNorm
    /// q, k and v one below the other, `[3E, E]`.
    let qkv: LinearMap
    let projection: LinearMap
    let norm2: FrozenNorm
    let expand: LinearMap
    let contract: LinearMap

    /// What the blocks of a network need in turn, for as many frames as they get at once.
    struct Buffers {
        /// `[F, S, E]`: normalised tokens, then the attention's output.
        let branch: Tensor
        /// `[F, S, 3E]`.
        let qkv: Tensor
        /// `[F, S, H]`.
        let hidden: Tensor
    }

    /// Changes `xFSE` in place.
    func callAsFunction(
        _ xFSE: Tensor, _ buffers: Buffers, heads: Int, rotation: RotaryPositions?, on backend: any Backend
    ) {
        let (frames, tokens) = (xFSE.shape[0], xFSE.shape[1])
        norm1(xFSE, into: buffers.branch, on: backend)
        qkv(buffers.branch, into: buffers.qkv, on: backend)
        if let rotation {
            backend.rotate(
                buffers.qkv, cosines: rotation.cosines, sines: rotation.sines, length: tokens, heads: heads)
        }
        backend.attention(
            buffers.qkv, layout: .spatial(batch: frames, frames: 1, tokens: tokens, heads: heads), keyMask: nil,
            into: buffers.branch)
        projection(buffers.branch, .residual(xFSE), into: xFSE, on: backend)

        norm2(xFSE, into: buffers.branch, on: backend)
        expand(buffers.branch, .gelu, into: buffers.hidden, on: backend)
        contract(buffers.hidden, .residual(xFSE), into: xFSE, on: backend)
    }
}
