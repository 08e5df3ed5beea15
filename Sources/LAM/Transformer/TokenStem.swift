import NN
import Tensor

/// What turns tokens of any width into the transformer's: `LayerNorm`, `Linear`, `LayerNorm`, plus the position table
/// over the tokens of a frame. All frames get the same table; time enters through the causal mask alone (SPEC_LAM
/// §2.3).
struct TokenStem {
    private let inputNorm: LayerNorm
    private let projection: Linear
    private let outputNorm: LayerNorm
    private let positions: SinusoidalPositions

    init(_ scope: ParameterScope, inputWidth: Int, width: Int) {
        positions = SinusoidalPositions(width: width)
        inputNorm = LayerNorm(scope(0), inputWidth)
        projection = Linear(scope(1), in: inputWidth, out: width)
        outputNorm = LayerNorm(scope(2), width)
    }

    /// - Parameter appended: tokens of the transformer's width that follow, without a position.
    func callAsFunction(
        _ tokens: Tensor, appending appended: AppendedTokens?, _ tape: Tape, name: String
    ) -> Tensor {
        let count = tokens.shape[tokens.shape.count - 2]
        let projected = outputNorm(projection(inputNorm(tokens, tape), tape), tape, output: .f32)
        tape.observe("\(name).ffn", projected)
        let positioned = tape.add(projected, repeating: positions(count, on: tape.backend))
        tape.observe("\(name).pos_enc", positioned)
        return appended.map { tape.concatenateTokens(positioned, $0.tokensBTSE) } ?? positioned
    }
}
