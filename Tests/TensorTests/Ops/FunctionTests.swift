import BackendConformance
import Tensor
import Testing

/// Gradients of functions of elements and rows, against finite differences.
@Suite struct FunctionTests {
    private let backend = TestBackend.cpu(threads: 2)

    private func tensor(_ name: String, _ shape: [Int], offset: Float = 0) -> Tensor {
        backend.tensor(Samples.floats(shape.product, name).map { $0 + offset }, shape)
    }

    @Test("sums, differences, products and functions of elements")
    func elements() {
        GradientCheck()([tensor("a", [3, 4]), tensor("b", [3, 4])]) { tape, inputs in
            tape.product(tape.difference(inputs[0], tape.apply(.tanh, inputs[1])), tape.sum(inputs[0], inputs[1]))
        }
        GradientCheck()([tensor("a", [5, 3], offset: 3)]) { tape, inputs in
            tape.apply(.reciprocal, tape.apply(.squareRoot, tape.affine(inputs[0], 2, offset: 1)))
        }
    }

    @Test("scaled rows, products of rows, lengths, unit rows, means and softmax")
    func rows() {
        GradientCheck()([tensor("x", [4, 6]), tensor("f", [4])]) { $0.scaleRows($1[0], by: $1[1]) }
        GradientCheck()([tensor("a", [4, 6]), tensor("b", [4, 6])]) { $0.rowProducts($1[0], $1[1], rows: 4) }
        GradientCheck()([tensor("a", [4, 6])]) { $0.unitRows($1[0]) }
        GradientCheck()([tensor("a", [4, 6])]) { $0.columnMeans($1[0]) }
        GradientCheck()([tensor("a", [4, 6])]) { $0.mean($0.product($1[0], $1[0])) }
        GradientCheck()([tensor("a", [4, 6])]) { $0.softmax($1[0]) }
    }

    @Test("products of two tensors, rows of a table, and parameters as tensors")
    func products() {
        GradientCheck()([tensor("x", [5, 3]), tensor("w", [4, 3])]) { $0.crossProduct($1[0], $1[1]) }
        let indices = backend.tensor([2, 0, 2] as [Int32], [3])
        GradientCheck()([tensor("table", [4, 3])]) { $0.rows(indices, of: $1[0]) }
        GradientCheck()([tensor("x", [2, 4, 3]), tensor("bias", [3])]) { $0.add($1[0], repeating: $1[1]) }
        let parameter = Parameter(name: "p", shape: [2, 3])
        parameter.place(value: tensor("p", [2, 3]), gradient: backend.zeros([2, 3]))
        GradientCheck()([tensor("x", [2, 3])], [parameter]) { $0.product($1[0], $0.value(of: parameter)) }
    }

    @Test("samples modulated and gated by vectors, queries that attend, products of columns, parts of parameters")
    func samples() {
        GradientCheck()([tensor("x", [2, 3, 4]), tensor("scale", [2, 1, 4]), tensor("shift", [2, 1, 4])]) {
            $0.modulate($1[0], scale: $1[1], shift: $1[2])
        }
        GradientCheck()([tensor("x", [2, 3, 4]), tensor("gate", [2, 1, 4]), tensor("rest", [2, 3, 4])]) {
            $0.gate($1[0], by: $1[1], addedTo: $1[2])
        }
        GradientCheck()([tensor("q", [2, 2, 12]), tensor("k", [2, 3, 12])]) {
            $0.crossAttention($1[0], to: [$1[1], $1[0]], heads: 2)
        }
        let parameter = Parameter(name: "p", shape: [2, 3, 4])
        parameter.place(value: tensor("p", [2, 3, 4]), gradient: backend.zeros([2, 3, 4]))
        GradientCheck()([tensor("x", [5, 3])], [parameter]) { $0.product($1[0], columnsOf: parameter.part(1)) }
    }
}
