/// Sizes of an attention of queries `[B, Q, 3E]` to keys `[B, S, 3E]`, which fit each other.
package struct CrossAttentionSizes {
    package let batch: Int
    package let queryCount: Int
    package let heads: Int
    /// E, and a head's share of it.
    package let width: Int
    package let headWidth: Int
    /// Keys of each tensor.
    package let lengths: [Int]

    /// - Parameter out: `[B, Q, E]`.
    package init(_ queries: Tensor, keys: [Tensor], heads: Int, into out: Tensor) {
        self.init(queries, keys: keys, heads: heads)
        precondition(out.count * 3 == queries.count, "attention of \(queries.shape) into \(out.shape)")
    }

    /// Those of the gradients of such an attention, which have the shapes of what they are of.
    package init(
        _ queries: Tensor, keys: [Tensor], heads: Int, dout: Tensor, into dqueries: Tensor, _ dkeys: [Tensor]
    ) {
        self.init(queries, keys: keys, heads: heads)
        precondition(
            dqueries.count == queries.count && dkeys.map(\.count) == keys.map(\.count)
                && dout.count * 3 == queries.count, "attention gradient \(dout.shape) of \(queries.shape)")
    }

    private init(_ queries: Tensor, keys: [Tensor], heads: Int) {
        precondition(
            queries.shape.count == 3 && queries.shape[2] % (3 * heads) == 0
                && keys.allSatisfy {
                    $0.shape.count == 3 && $0.shape[0] == queries.shape[0] && $0.shape[2] == queries.shape[2]
                },
            "queries \(queries.shape) attend to \(keys.map(\.shape)) with \(heads) heads")
        (batch, queryCount, width) = (queries.shape[0], queries.shape[1], queries.shape[2] / 3)
        (self.heads, headWidth) = (heads, width / heads)
        lengths = keys.map { $0.shape[1] }
    }

    package var keyCount: Int { lengths.reduce(0, +) }
    /// What products of queries and keys are multiplied with.
    package var scale: Float { 1 / Float(headWidth).squareRoot() }
}
