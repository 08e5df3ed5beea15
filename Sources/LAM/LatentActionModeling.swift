import Tensor

/// What training needs of a latent action model, whichever its stage.
public protocol LatentActionModeling: AnyObject {
    var options: LatentActionModelOptions { get }
    /// Action tokens in front of a frame's patches.
    var tokensBeforePatches: Int { get }
    /// The quantiser of the action codes, which training changes and whose unused codes restart.
    var quantizer: VectorQuantizer { get }
    /// The quantiser that stage 2 keeps as stage 1 left it.
    var frozenQuantizer: VectorQuantizer? { get }

    /// - Parameters:
    ///   - patches: features of both frames, `[B, 2, N, D]`, constant.
    ///   - language: the instructions; exactly for a model that was made with a language width.
    func callAsFunction(_ patches: Tensor, language: LanguageTokens?, _ tape: Tape) -> LatentActionOutput

    /// Predicts the second frame from the first and given codes, whatever happened between the frames.
    ///
    /// - Parameters:
    ///   - patches: features of both frames, `[B, 2, N, D]`, of which the first is read.
    ///   - codes: of the action, i32 `[B, n]`.
    ///   - uncontrolled: of the frozen codebook, i32 `[B, n]`; exactly for a model that has one.
    /// - Returns: features `[B, 1, N, D]`.
    func reconstruction(
        of patches: Tensor, codes: Tensor, uncontrolled: Tensor?, language: LanguageTokens?, _ tape: Tape
    ) -> Tensor
}
