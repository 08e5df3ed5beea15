import Tensor
import Testing

@Suite("Matrix products")
struct MatrixProductTests {
    /// Sums of up to 1500 f32 products of order one, against double.
    private static let tolerance = 3e-6

    struct Shape: Sendable, CustomTestStringConvertible {
        let m, k, n: Int
        var testDescription: String { "\(m)x\(k)x\(n)" }
    }

    /// Single rows and columns, odd sizes, and products above 2²⁰ multiply-adds, which are cut into tiles: of rows, of
    /// columns, and of both, with ragged last tiles.
    static let shapes = [
        Shape(m: 1, k: 1, n: 1), Shape(m: 1, k: 17, n: 5), Shape(m: 7, k: 1, n: 3), Shape(m: 13, k: 31, n: 1),
        Shape(m: 15, k: 17, n: 33), Shape(m: 129, k: 65, n: 127), Shape(m: 257, k: 71, n: 67),
        Shape(m: 601, k: 33, n: 129), Shape(m: 33, k: 37, n: 1601), Shape(m: 301, k: 19, n: 1153),
        Shape(m: 17, k: 1500, n: 49),
    ]

    static let libraries = MatrixProductLibrary.allCases.filter(\.isInstalled)

    @Test("agree with sums in double, transposed or not, alone or added", arguments: libraries, shapes)
    func products(library: MatrixProductLibrary, shape: Shape) {
        let (m, k, n) = (shape.m, shape.k, shape.n)
        let backend = CPUBackend(threadCount: 2, products: library)
        let a = Samples.floats(m * k, "a")
        let b = Samples.floats(k * n, "b")
        let start = Samples.floats(m * n, "start")
        let expected = Reference.product(a, b, m: m, k: k, n: n)
        let expectedSum: [Double] = zip(expected, start).map { $0 + Double($1) }
        let plain = (Matrix(backend.tensor(a, [m, k])), Matrix(backend.tensor(b, [k, n])))
        let turned = (
            Matrix(backend.tensor(Reference.transposed(a, rows: m, columns: k), [k, m])).transposed,
            Matrix(backend.tensor(Reference.transposed(b, rows: k, columns: n), [n, k])).transposed
        )
        for (x, y, name) in [
            (plain.0, plain.1, "a b"), (turned.0, plain.1, "a^T b"), (plain.0, turned.1, "a b^T"),
            (turned.0, turned.1, "a^T b^T"),
        ] {
            let c = backend.tensor(start, [m, n])
            backend.multiply(x, y, into: c, accumulate: false)
            expectClose(backend.floats(c), expected, tolerance: Self.tolerance, name)
            let sum = backend.tensor(start, [m, n])
            backend.multiply(x, y, into: sum, accumulate: true)
            expectClose(backend.floats(sum), expectedSum, tolerance: Self.tolerance, "\(name) added")
        }
    }

    @Test("linear maps add bias and residual, and apply the GELU", arguments: libraries, shapes)
    func linear(library: MatrixProductLibrary, shape: Shape) {
        let (m, k, n) = (shape.m, shape.k, shape.n)
        let backend = CPUBackend(threadCount: 2, products: library)
        let x = Samples.floats(m * k, "x")
        let weight = Samples.floats(n * k, "weight")
        let bias = Samples.floats(n, "bias")
        let residual = Samples.floats(m * n, "residual")
        let product = Reference.product(x, Reference.transposed(weight, rows: n, columns: k), m: m, k: k, n: n)
        let biased: [Double] = product.indices.map { product[$0] + Double(bias[$0 % n]) }
        func withResidual(_ x: [Double]) -> [Double] { zip(x, residual).map { $0 + Double($1) } }
        let (xs, w, b) = (backend.tensor(x, [m, k]), backend.tensor(weight, [n, k]), backend.tensor(bias, [n]))
        let r = backend.tensor(residual, [m, n])
        func run(_ bias: Tensor?, _ epilogue: LinearEpilogue) -> [Float] {
            let out = backend.empty([m, n])
            backend.linear(xs, weight: w, bias: bias, epilogue: epilogue, into: out)
            return backend.floats(out)
        }
        expectClose(run(nil, .none), product, tolerance: Self.tolerance, "no bias")
        expectClose(run(b, .none), biased, tolerance: Self.tolerance, "bias")
        expectClose(run(b, .residual(r)), withResidual(biased), tolerance: Self.tolerance, "residual")
        expectClose(
            run(nil, .residual(r)), withResidual(product), tolerance: Self.tolerance, "residual without bias")
        let slope = backend.empty([m, n])
        let activated = run(b, .gelu(derivative: slope))
        expectClose(activated, biased.map(Reference.gelu), tolerance: Self.tolerance, "GELU")
        // The derivative changes by up to 0.8 per unit of an argument whose own error grows with its size.
        let size = biased.reduce(1) { max($0, abs($1)) }
        expectClose(
            backend.floats(slope), biased.map(Reference.geluDerivative), tolerance: Self.tolerance * size, "GELU'")
        #expect(run(b, .gelu(derivative: nil)) == activated)
    }

    @Test("the result has the same bits on any number of threads", arguments: libraries)
    func threads(library: MatrixProductLibrary) {
        let results = [1, 2, 3, 5].map { threads in
            let backend = CPUBackend(threadCount: threads, products: library)
            let out = backend.empty([301, 1153])
            backend.linear(
                backend.sample([301, 40], "x"), weight: backend.sample([1153, 40], "weight"),
                bias: backend.sample([1153], "bias"), epilogue: .gelu(derivative: nil), into: out)
            return backend.floats(out)
        }
        #expect(results.allSatisfy { $0 == results[0] })
    }
}
