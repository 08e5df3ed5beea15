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
}
