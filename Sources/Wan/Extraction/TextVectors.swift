import Formats
import Tensor
import Text

/// The vectors of all texts of an extraction, each encoded once.
struct TextVectors {
    private let rows: [[UInt8]: StoredTensor]
    private let padding: ExtractionOptions.TextPadding

    /// - Parameter progress: gets the number of the text encoder's blocks that are done, and their number.
    init(
        _ texts: TokenizedTexts, weights: WeightFile, padding: ExtractionOptions.TextPadding, on backend: any Backend,
        progress: @escaping (_ block: Int, _ count: Int) throws -> Void
    ) throws {
        let encoder = try UMT5Encoder(weights: weights, on: backend)
        let ordered = texts.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        let count = encoder.configuration.blocks, width = encoder.configuration.width
        let vectors = try encoder(
            ordered.map(\.value),
            progress: { block in
                // A device would else run all blocks as one program, and need memory for all of them.
                try backend.synchronize()
                try progress(block, count)
            })
        var rows: [[UInt8]: StoredTensor] = [:]
        for ((key, ids), values) in zip(ordered, vectors) {
            rows[key] = StoredTensor(roundingToBF16: values, shape: [ids.count, width])
        }
        self.rows = rows
        self.padding = padding
    }

    /// The rows of a text of the initialiser; with zeros behind them where padding asks for that.
    func vectors(of text: String) -> StoredTensor? {
        guard let own = rows[Array(text.utf8)] else { return nil }
        guard padding == .full, own.shape[0] < ExtractionOptions.tokenLimit else { return own }
        return StoredTensor(elementType: .bf16, shape: [ExtractionOptions.tokenLimit, own.shape[1]]) { target in
            target.initializeMemory(as: UInt8.self, repeating: 0)
            own.withUnsafeBytes { target.copyMemory(from: $0) }
        }
    }
}
