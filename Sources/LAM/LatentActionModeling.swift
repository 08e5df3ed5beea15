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
}
