import Formats
import Tensor
import Text
import WanVAE

/// The preflight: everything of the checkpoint that an extraction needs, opened and known to fit before anything is removed
/// or written.
struct ExtractionNetworks {
    let tokenizer: UnigramTokenizer
    let vae: WeightFile
    let textEncoder: WeightFile
    let encoder: WanVAEEncoder

    var backend: any Backend { encoder.backend }

    /// - Throws: `ExtractionError.missingFile`; `FormatError` of weights that do not fit; `TextError` of the tokenizer.
    init(_ checkpoint: WanCheckpoint, precision: ExtractionPrecision, on backend: any Backend) throws {
        tokenizer = try checkpoint.tokenizer()
        vae = try checkpoint.vae()
        textEncoder = try checkpoint.textEncoder()
        encoder = try WanVAEEncoder(weights: vae, precision: precision == .f32 ? .f32 : .bf16, on: backend)
        _ = try UMT5Encoder(weights: textEncoder, on: backend)
    }
}
