/// Whether a tape rounds the operands of its products: `torch.autocast`.
public enum Autocast: Sendable {
    /// f32 throughout.
    case off
    /// What `bf16-mixed` means: products take bf16 operands and sum in f32; what lies between the products of a block
    /// is bf16. Weights, the residual stream, statistics of norms and softmax, losses and parameters' gradients are f32.
    case bf16
}
