import Tensor

/// What every backend must do: each operation of the seam over shapes, types and edges, against formulas in double
/// precision.
///
///     for check in BackendConformance.checks {
///         for failure in check.failures(on: backend) { Issue.record("\(check): \(failure)") }
///     }
///
/// Shapes lie around the widths of vectors, blocks and tasks; values are of order one unless a check says otherwise.
package struct BackendConformance: Sendable, CustomStringConvertible {
    package let description: String
    private let run: @Sendable (Trial) -> Void

    init(_ description: String, _ run: @escaping @Sendable (Trial) -> Void) {
        self.description = description
        self.run = run
    }

    /// What differs from the formulas; empty for a backend that conforms.
    package func failures(on backend: any Backend) -> [String] {
        let trial = Trial(backend)
        run(trial)
        trial.finish()
        return trial.failures
    }

    package static let checks =
        memory + elementwise + products + normalizations + attentions + losses + functions + samples + tables
        + convolutions
        + optimization

    /// Sizes around the widths of vectors, their multiples and the pieces that sums are made in.
    static let lengths = [1, 3, 4, 7, 15, 16, 17, 31, 33, 63, 100, 511, 513, 4095, 4097, 70_001]
    /// A few roundings of f32 (6e-8 each) in values of order one.
    static let rounding = 3e-7
    /// Sums of some thousand f32 terms in several lanes.
    static let sums = 2e-6
    /// Half a unit in the last place of bf16, and a little for what came before.
    static let halfRounding = 4.2e-3
}
