import NN
import Tensor

// Axes: B batch, T = 2 frames, V action tokens and patches of a frame, S instruction tokens, E model width.

/// Tokens that join a transformer's sequence behind its position table, so that they carry no position.
public struct AppendedTokens {
    /// `[B, T, S, E]`.
    let tokensBTSE: Tensor
    /// `[B * T, V + S]`: 0 for keys that spatial attention may see, -inf for padding.
    let keyMask: Tensor
}

/// Puts an instruction into both transformers (UniVLA's stage 1): its projected tokens follow the others, and spatial
/// attention does not look at padding. Padded tokens still pass through all layers, temporal attention included; nobody
/// reads what becomes of them.
struct LanguageConditioning {
    private let projection: Linear
    private let maskOrder: TextMask

    /// - Parameter scope: the scope of the projection, `lang_proj`.
    init(_ scope: ParameterScope, languageWidth: Int, width: Int, mask: TextMask) {
        projection = Linear(scope, in: languageWidth, out: width)
        maskOrder = mask
    }

    /// - Parameter visible: V, the tokens that are there without the instruction.
    /// - Returns: what the encoder gets in both of its frames, and the decoder in its one.
    func callAsFunction(
        _ language: LanguageTokens, visible: Int, _ tape: Tape
    ) -> (encoder: AppendedTokens, decoder: AppendedTokens) {
        let langBSE = projection(language.hidden, tape)
        tape.observe("lang_proj", langBSE)
        let (batch, length, width) = (langBSE.shape[0], langBSE.shape[1], langBSE.shape[2])
        let oneFrame = langBSE.reshaped([batch, 1, length * width])
        let twoFrames = tape.concatenateTokens(oneFrame, oneFrame).reshaped([batch, 2, length, width])
        let backend = tape.backend
        let encoderMask = keyMask(language, rows: 2 * batch, visible: visible, on: backend) { row in
            switch maskOrder {
            case .aligned: row / 2
            case .original: row % batch
            }
        }
        let decoderMask = keyMask(language, rows: batch, visible: visible, on: backend) { $0 }
        return (
            AppendedTokens(tokensBTSE: twoFrames, keyMask: encoderMask),
            AppendedTokens(tokensBTSE: langBSE.reshaped([batch, 1, length, width]), keyMask: decoderMask)
        )
    }

    private func keyMask(
        _ language: LanguageTokens, rows: Int, visible: Int, on backend: any Backend, sample: (_ row: Int) -> Int
    ) -> Tensor {
        let length = language.hidden.shape[1]
        let keys = visible + length
        var values = [Float](repeating: 0, count: rows * keys)
        for row in 0..<rows {
            let first = sample(row) * length
            for token in 0..<length where language.mask[first + token] <= 0 {
                values[row * keys + visible + token] = -.infinity
            }
        }
        return backend.tensor(values, [rows, keys])
    }
}
