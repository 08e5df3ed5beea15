import Tensor

/// Clipping by the global L2 norm of all gradients, as `torch.nn.utils.clip_grad_norm_`.
public enum GradientClipping {
    /// L2 norm over all gradients in the store.
    public static func globalNorm(_ store: ParameterStore) -> Double {
        store.backend.sumOfSquares(store.gradients).squareRoot()
    }

    /// Factor that brings `norm` down to `limit`: `min(1, limit / (norm + 1e-6))`; 1 without a limit.
    public static func scale(norm: Double, limit: Double?) -> Float {
        guard let limit else { return 1 }
        return Float(min(1, limit / (norm + 1e-6)))
    }
}
