import Kernels

/// Matrix products, cut into tiles of the output that do not depend on the thread count.
extension CPUBackend {
    /// Tiles of about this many rows and columns: large enough that packing the operands is a percent of the work,
    /// small enough that the tile is still in the second-level cache when its epilogue reads it.
    private static let tileRows = 384
    private static let tileColumns = 768
    /// Below this many multiply-adds a product runs on the calling thread: waking the others would cost more.
    private static let parallelThreshold = 1 << 20

    public func multiply(_ a: Matrix, _ b: Matrix, into c: Tensor, accumulate: Bool) {
        precondition(
            a.columns == b.rows && c.count == a.rows * b.columns,
            "product of [\(a.rows), \(a.columns)] and [\(b.rows), \(b.columns)] into \(c.shape)")
        let target = pointer(c)
        forEachTile(rows: a.rows, columns: b.columns, depth: a.columns) { row, column, rows, columns in
            multiplyTile(
                a, b, row: row, column: column, rows: rows, columns: columns,
                to: target + row * b.columns + column, stride: b.columns, beta: accumulate ? 1 : 0)
        }
    }

    public func linear(_ x: Tensor, weight: Tensor, bias: Tensor?, epilogue: LinearEpilogue, into out: Tensor) {
        let input = Matrix(x), map = Matrix(weight).transposed
        precondition(
            input.columns == map.rows && out.count == input.rows * map.columns,
            "linear map \(weight.shape) of \(x.shape) into \(out.shape)")
        let width = map.columns
        let target = pointer(out)
        let biasPointer = bias.map(pointer)
        var residual: UnsafeMutablePointer<Float>?
        var derivative: UnsafeMutablePointer<Float>?
        var activate: (@convention(c) (UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void)?
        switch epilogue {
        case .none: break
        case .residual(let tensor):
            precondition(tensor.count == out.count, "residual \(tensor.shape) for \(out.shape)")
            residual = pointer(tensor)
        case .gelu(let tensor):
            activate = kernels.gelu
            derivative = tensor.map(pointer)
        case .tanhGELU: activate = kernels.tanh_gelu
        case .relu: activate = kernels.relu
        }
        forEachTile(rows: input.rows, columns: width, depth: input.columns) { row, column, rows, columns in
            let tile = target + row * width + column
            // Bias and residual go into the output first; the product is added to them while it is written anyway.
            for r in 0..<rows {
                let line = tile + r * width
                if let residual, let biasPointer {
                    kernels.add(residual + (row + r) * width + column, biasPointer + column, line, columns)
                } else if let source = residual.map({ $0 + (row + r) * width }) ?? biasPointer {
                    line.update(from: source + column, count: columns)
                }
            }
            multiplyTile(
                input, map, row: row, column: column, rows: rows, columns: columns, to: tile, stride: width,
                beta: residual == nil && biasPointer == nil ? 0 : 1)
            guard let activate else { return }
            for r in 0..<rows {
                let line = tile + r * width
                if let derivative {
                    kernels.gelu_with_derivative(line, line, derivative + (row + r) * width + column, columns)
                } else {
                    activate(line, line, columns)
                }
            }
        }
    }

    private func multiplyTile(
        _ a: Matrix, _ b: Matrix, row: Int, column: Int, rows: Int, columns: Int, to c: UnsafeMutablePointer<Float>,
        stride: Int, beta: Float
    ) {
        let aStride = a.isTransposed ? a.rows : a.columns
        let bStride = b.isTransposed ? b.rows : b.columns
        products.multiply(
            m: rows, n: columns, k: a.columns, a: pointer(a.tensor) + (a.isTransposed ? row : row * aStride),
            aStride: aStride, aTransposed: a.isTransposed,
            b: pointer(b.tensor) + (b.isTransposed ? column * bStride : column), bStride: bStride,
            bTransposed: b.isTransposed, beta: beta, c: c, cStride: stride)
    }

    private func forEachTile(
        rows: Int, columns: Int, depth: Int, _ body: (_ row: Int, _ column: Int, _ rows: Int, _ columns: Int) -> Void
    ) {
        guard rows > 0, columns > 0 else { return }
        guard rows * columns * depth > Self.parallelThreshold else {
            return pool.run(1) { _ in body(0, 0, rows, columns) }
        }
        let rowTile = Self.tile(rows, about: Self.tileRows), columnTile = Self.tile(columns, about: Self.tileColumns)
        let rowTiles = (rows + rowTile - 1) / rowTile, columnTiles = (columns + columnTile - 1) / columnTile
        pool.run(rowTiles * columnTiles) { task in
            // Neighbouring tasks share columns, so that threads read the same part of the weights.
            let row = task % rowTiles * rowTile, column = task / rowTiles * columnTile
            body(row, column, min(rowTile, rows - row), min(columnTile, columns - column))
        }
    }

    /// Equal tiles of about `size`, a multiple of 16 long; an even number of them where there are several, so that two
    /// threads finish together.
    private static func tile(_ extent: Int, about size: Int) -> Int {
        guard extent > size / 2 else { return extent }
        let tiles = max(1, (extent + size / 2) / size)
        let even = tiles == 1 && extent < size ? 2 : tiles + tiles % 2
        let count = size == tileColumns ? tiles : even
        return ((extent + count - 1) / count + 15) / 16 * 16
    }
}
