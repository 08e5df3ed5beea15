import Tensor

/// Instructions of a batch to the text encoder's vectors, each distinct instruction computed once.
///
/// Every text runs through the encoder by itself, without padding: what it gets never depends on its neighbours or on
/// what the cache holds. Results lie in host memory; those used longest ago go when a bound is reached.
public final class InstructionEncoder {
    public let tokenizer: T5Tokenizer
    public let encoder: T5Encoder
    /// Bytes that cached results may take.
    public let cacheLimit: Int
    /// Bytes that cached results take.
    public private(set) var cachedBytes = 0
    /// How many texts have run through the encoder.
    public private(set) var encodedTexts = 0

    private struct Entry {
        /// `[tokens, D]`.
        let hidden: [Float]
        /// Number of the batch that used it last.
        var lastUse: Int

        var byteCount: Int { hidden.count * MemoryLayout<Float>.size }
    }

    /// By the text's bytes: two texts may be the same to `String` and yet not to a tokenizer.
    private var cache: [[UInt8]: Entry] = [:]
    private var batches = 0

    /// - Parameter cacheLimit: in bytes. The default keeps some 6000 instructions of 15 tokens for t5-base.
    public init(tokenizer: T5Tokenizer, encoder: T5Encoder, cacheLimit: Int = 256 << 20) {
        precondition(cacheLimit >= 0, "a cache of \(cacheLimit) bytes")
        self.tokenizer = tokenizer
        self.encoder = encoder
        self.cacheLimit = cacheLimit
    }

    /// - Parameter instructions: one per sample, at least one; may be blank.
    /// - Returns: `hidden` `[B, S, D]` with zeros behind a text's own tokens, and `mask` `[B, S]` flat, 1 for those tokens and
    ///   0 behind them. S is the number of tokens of the longest text, at least 1.
    /// - Throws: `TextError`; nothing of the batch is kept then but what was encoded already.
    public func callAsFunction(_ instructions: [String]) throws(TextError) -> (hidden: Tensor, mask: [Int32]) {
        precondition(!instructions.isEmpty, "a batch without instructions")
        batches += 1
        // The batch holds its own results, so that none of them can be evicted before it is copied.
        var results: [[Float]] = []
        for instruction in instructions { results.append(try hidden(of: instruction)) }
        evict()

        let (backend, width) = (encoder.backend, encoder.configuration.width)
        let length = (results.map(\.count).max() ?? 0) / width
        let hidden = backend.zeros([instructions.count, length, width])
        var mask = [Int32](repeating: 0, count: instructions.count * length)
        for (row, result) in results.enumerated() {
            result.withUnsafeBytes { backend.upload($0, to: hidden.range(row * length * width, result.count)) }
            for token in 0..<result.count / width { mask[row * length + token] = 1 }
        }
        return (hidden, mask)
    }

    private func hidden(of instruction: String) throws(TextError) -> [Float] {
        let key = Array(instruction.utf8)
        if let entry = cache[key] {
            cache[key]?.lastUse = batches
            return entry.hidden
        }
        let ids = try tokenizer.ids(of: instruction)
        let hidden = encoder.backend.floats(try encoder(TokenBatch(padding: [ids], with: tokenizer.padID)))
        encodedTexts += 1
        let entry = Entry(hidden: hidden, lastUse: batches)
        cache[key] = entry
        cachedBytes += entry.byteCount
        return hidden
    }

    /// Drops what was used longest ago until the rest fits.
    private func evict() {
        guard cachedBytes > cacheLimit else { return }
        for (key, entry) in cache.sorted(by: { $0.value.lastUse < $1.value.lastUse }) {
            if cachedBytes <= cacheLimit { return }
            cache[key] = nil
            cachedBytes -= entry.byteCount
        }
    }
}
