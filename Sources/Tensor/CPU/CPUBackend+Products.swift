import Kernels

/// Matrix products: on bf16 units where the CPU has them and the operands are bf16 or the CPU is fast enough to make f32
/// of three bf16, and by vector products elsewhere.
extension CPUBackend {
    /// `c = a b`, or `c += a b`.
    package func multiply(_ a: Matrix, _ b: Matrix, into c: Tensor, accumulate: Bool) {
        precondition(
            a.columns == b.rows && c.count == a.rows * b.columns,
            "product of [\(a.rows), \(a.columns)] and [\(b.rows), \(b.columns)] into \(c.shape)")
        precondition(!(accumulate && c.dtype == .bf16), "sums in bf16 would lose what they are for")
        var output = productOutput(c, width: b.columns)
        output.accumulate = accumulate ? 1 : 0
        product(a, b, output)
    }

    /// `c = (a b) gelu'(u)`; the `input` u, of the type of c, becomes `gelu(u)`: both products of a feed-forward network's
    /// backward pass need one of them, and neither is worth keeping.
    package func multiply(_ a: Matrix, _ b: Matrix, into c: Tensor, throughGELUOf input: Tensor) {
        precondition(
            a.columns == b.rows && c.count == a.rows * b.columns && input.count == c.count && input.dtype == c.dtype,
            "product of [\(a.rows), \(a.columns)] and [\(b.rows), \(b.columns)] into \(c.shape), GELU of \(input.shape)"
        )
        var output = productOutput(c, width: b.columns)
        output.activation = Int32(LAM_GELU_BACKWARD)
        output.gelu_input = valuePointer(input)
        product(a, b, output)
    }

    public func linear(_ x: Tensor, weight: Tensor, bias: Tensor?, epilogue: LinearEpilogue, into out: Tensor) {
        linear(x, LinearMap(weight: weight, bias: bias), epilogue: epilogue, geluInput: nil, into: out)
    }

    /// - Parameter geluInput: takes the input of a GELU, in the type of the output.
    package func linear(
        _ x: Tensor, _ linear: LinearMap, epilogue: LinearEpilogue, geluInput: Tensor?, into out: Tensor
    ) {
        let input = Matrix(x), map = Matrix(linear.weight).transposed
        precondition(
            input.columns == map.rows && out.count == input.rows * map.columns,
            "linear map \(linear.weight.shape) of \(x.shape) into \(out.shape)")
        var output = productOutput(out, width: map.columns)
        output.bias = linear.bias.map { UnsafePointer(pointer($0)) }
        switch epilogue {
        case .none: break
        case .residual(let tensor):
            precondition(tensor.count == out.count, "residual \(tensor.shape) for \(out.shape)")
            output.residual = UnsafePointer(pointer(tensor))
        case .gelu:
            output.activation = Int32(LAM_GELU)
            if let geluInput {
                precondition(
                    geluInput.count == out.count && geluInput.dtype == out.dtype,
                    "GELU input \(geluInput.shape) for \(out.shape)")
                output.gelu_input = valuePointer(geluInput)
            }
        case .tanhGELU: output.activation = Int32(LAM_TANH_GELU)
        case .relu: output.activation = Int32(LAM_RELU)
        }
        product(input, map, output)
    }

    private func product(_ a: Matrix, _ b: Matrix, _ output: LamOutput) {
        if hasHalfProducts, a.tensor.dtype == .bf16, a.columns > 0 {
            halfProduct(a, b, .rounded, output)
        } else if isSplit(a, b) {
            halfProduct(a, b, .split, output)
        } else {
            vectorProduct(a, b, output)
        }
    }

    private func productOutput(_ tensor: Tensor, width: Int) -> LamOutput {
        LamOutput(
            out: valuePointer(tensor), is_half: tensor.dtype == .bf16 ? 1 : 0, accumulate: 0,
            activation: Int32(LAM_NO_ACTIVATION), stride: width, columns: width, bias: nil, residual: nil,
            gelu_input: nil)
    }

    /// Where an f32 or bf16 tensor lies.
    func valuePointer(_ tensor: Tensor) -> UnsafeMutableRawPointer {
        tensor.dtype == .bf16 ? UnsafeMutableRawPointer(halfPointer(tensor)) : UnsafeMutableRawPointer(pointer(tensor))
    }
}

extension Matrix {
    /// The matrix as it lies in memory; the kernels are told apart from it whether it is transposed.
    func source(_ backend: CPUBackend) -> LamSource {
        let isHalf: Int32 = tensor.dtype == .bf16 ? 1 : 0
        let values = UnsafeRawPointer(backend.valuePointer(tensor))
        return isTransposed
            ? LamSource(values: values, is_half: isHalf, stride: rows, rows: columns, columns: rows)
            : LamSource(values: values, is_half: isHalf, stride: columns, rows: rows, columns: columns)
    }
}

extension LamOutput {
    /// The same from another row and column on.
    func from(row: Int, column: Int) -> LamOutput {
        var part = self
        let offset = row * stride + column, size = is_half != 0 ? 2 : 4
        part.out = out + offset * size
        part.columns = columns - column
        part.bias = bias.map { $0 + column }
        part.residual = residual.map { $0 + offset }
        part.gelu_input = gelu_input.map { $0 + offset * size }
        return part
    }
}
