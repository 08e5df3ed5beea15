/// Token ids of several texts as a rectangle, and which of them a text really has.
public struct TokenBatch: Equatable, Sendable {
    /// Number of texts.
    public let count: Int
    /// Tokens per text, padding included.
    public let length: Int
    /// `[count, length]`.
    public let ids: [Int]
    /// `[count, length]`: whether a token can be seen by others.
    public let mask: [Bool]

    /// - Parameters:
    ///   - ids, mask: `[count, length]`, both of `count * length` elements.
    public init(ids: [Int], mask: [Bool], count: Int, length: Int) {
        precondition(
            count > 0 && length > 0 && ids.count == count * length && mask.count == ids.count,
            "\(ids.count) ids and \(mask.count) mask elements for \(count) texts of \(length) tokens")
        (self.ids, self.mask, self.count, self.length) = (ids, mask, count, length)
    }

    /// Pads texts on the right to the longest.
    /// - Parameter texts: at least one, none empty.
    public init(padding texts: [[Int]], with padID: Int) {
        let length = texts.map(\.count).max() ?? 0
        self.init(
            ids: texts.flatMap { $0 + Array(repeating: padID, count: length - $0.count) },
            mask: texts.flatMap { text in (0..<length).map { $0 < text.count } }, count: texts.count, length: length)
    }
}
