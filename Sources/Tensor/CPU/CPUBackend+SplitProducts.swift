import Kernels

/// f32 products on bf16 matrix units, where these are fast enough to make three of one: see `split.h`. Sums are made in
/// another order than a product library's and come out a little nearer to the true ones.
extension CPUBackend {
    /// Fewer columns or values of k are not worth the packing.
    private static let smallestSplit = 96

    /// Does not look at the number of rows: what a row becomes must not depend on how many others there are.
    func isSplit(_ a: Matrix, _ b: Matrix) -> Bool {
        usesSplitProducts && a.columns >= Self.smallestSplit && b.columns >= Self.smallestSplit
    }

    func splitMultiply(_ a: Matrix, _ b: Matrix, into c: Tensor, accumulate: Bool) {
        packedProduct(a, b, .split, splitOutput(c, columns: b.columns, accumulate: accumulate)) { _, _ in }
    }

    /// - Parameter activate: applied to each run of the output at `index`.
    func splitLinear(
        _ x: Matrix, _ map: Matrix, bias: Tensor?, residual: Tensor?, into out: Tensor,
        activate: ((_ index: Int, _ count: Int) -> Void)?
    ) {
        var output = splitOutput(out, columns: map.columns, accumulate: false)
        output.bias = bias.map { UnsafePointer(pointer($0)) }
        output.residual = residual.map { UnsafePointer(pointer($0)) }
        packedProduct(x, map, .split, output) { rows, columns in
            guard let activate else { return }
            for row in rows { activate(row * map.columns + columns.lowerBound, columns.count) }
        }
    }

    private func splitOutput(_ out: Tensor, columns: Int, accumulate: Bool) -> LamHalfOutput {
        LamHalfOutput(
            out: UnsafeMutableRawPointer(pointer(out)), is_half: 0, accumulate: accumulate ? 1 : 0,
            gelu: Int32(LAM_GELU_NONE), stride: columns, columns: columns, bias: nil, residual: nil, gelu_input: nil)
    }
}
