import Kernels

/// bf16 products: operands are rounded to bf16 where they are f32, sums are f32.
///
/// The right operand is packed into the layout that the kernel wants by all threads first, and so is the left one unless
/// it lies in memory that way already; then each task makes a block of the output. Rounding f32 weights while they are
/// packed costs no pass of its own, so there is no second copy of them.
extension CPUBackend {
    /// A block of the output: 256 x 256 f32 sums and the operands' parts stay in the second-level cache.
    private static let blockRows = 256
    private static let blockPanels = 8
    /// Values of k that a block takes at once, for the same reason.
    private static let blockDepth = 1024
    /// Columns of a panel, and what k is padded to.
    static let halfUnit = 32

    func halfMultiply(_ a: Matrix, _ b: Matrix, into c: Tensor, accumulate: Bool) {
        let width = b.columns
        guard c.dtype == .bf16 else {
            return halfProduct(a, b, sums: pointer(c), accumulate: accumulate)
        }
        precondition(!accumulate, "sums in bf16 would lose what they are for")
        let target = halfPointer(c)
        halfProduct(a, b) { block in
            for row in 0..<block.rows {
                kernels.half_add_bias(
                    block.line(row), nil, target + (block.row + row) * width + block.column, block.columns)
            }
        }
    }

    func halfLinear(_ x: Matrix, _ map: Matrix, bias: Tensor?, epilogue: LinearEpilogue, into out: Tensor) {
        let width = map.columns
        let bias = bias.map(pointer)
        func activated(
            _ activate: @convention(c) (UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void
        ) {
            let target = halfPointer(out)
            halfProduct(x, map) { block in
                for row in 0..<block.rows {
                    let line = block.line(row)
                    if let bias { kernels.add(line, bias + block.column, line, block.columns) }
                    activate(line, line, block.columns)
                    kernels.half_from_float(line, target + (block.row + row) * width + block.column, block.columns)
                }
            }
        }
        switch epilogue {
        case .none where out.dtype == .bf16:
            let target = halfPointer(out)
            halfProduct(x, map) { block in
                for row in 0..<block.rows {
                    kernels.half_add_bias(
                        block.line(row), bias.map { $0 + block.column },
                        target + (block.row + row) * width + block.column, block.columns)
                }
            }
        case .none:
            guard let bias else { return halfProduct(x, map, sums: pointer(out), accumulate: false) }
            let target = pointer(out)
            halfProduct(x, map) { block in
                for row in 0..<block.rows {
                    kernels.add(
                        block.line(row), bias + block.column, target + (block.row + row) * width + block.column,
                        block.columns)
                }
            }
        case .residual(let tensor):
            precondition(tensor.count == out.count, "residual \(tensor.shape) for \(out.shape)")
            let target = pointer(out), residual = pointer(tensor)
            halfProduct(x, map) { block in
                for row in 0..<block.rows {
                    let line = block.line(row), offset = (block.row + row) * width + block.column
                    if let bias { kernels.add(line, bias + block.column, line, block.columns) }
                    kernels.add(line, residual + offset, target + offset, block.columns)
                }
            }
        case .gelu(let derivative):
            let target = halfPointer(out), slope = derivative.map(halfPointer)
            halfProduct(x, map) { block in
                let scratch = empty([block.columns])
                for row in 0..<block.rows {
                    let offset = (block.row + row) * width + block.column
                    kernels.half_gelu(
                        block.line(row), bias.map { $0 + block.column }, target + offset, slope.map { $0 + offset },
                        pointer(scratch), block.columns)
                }
            }
        case .tanhGELU: activated(kernels.tanh_gelu)
        case .relu: activated(kernels.relu)
        }
    }

    /// f32 sums of a part of a product, before they go to where they are wanted.
    private struct HalfBlock {
        let row: Int
        let column: Int
        let rows: Int
        let columns: Int
        let sums: UnsafeMutablePointer<Float>
        let stride: Int

        func line(_ row: Int) -> UnsafeMutablePointer<Float> { sums + row * stride }
    }

    /// `sums = a b`, or `sums += a b`, in f32.
    private func halfProduct(_ a: Matrix, _ b: Matrix, sums: UnsafeMutablePointer<Float>, accumulate: Bool) {
        let width = b.columns
        guard width.isMultiple(of: Self.halfUnit) else {
            return halfProduct(a, b) { block in
                for row in 0..<block.rows {
                    let line = sums + (block.row + row) * width + block.column
                    if accumulate {
                        kernels.add(line, block.line(row), line, block.columns)
                    } else {
                        line.update(from: block.line(row), count: block.columns)
                    }
                }
            }
        }
        let operands = HalfOperands(a, b, self)
        forEachBlock(operands) { row, rows, panel, panels in
            operands.multiply(
                rows: row..<row + rows, panels: panel..<panel + panels, depth: Self.blockDepth,
                to: sums + row * width + panel * Self.halfUnit, stride: width, accumulate: accumulate)
        }
    }

    /// Makes `a b` block by block and hands the sums to `finish`.
    private func halfProduct(_ a: Matrix, _ b: Matrix, finish: (HalfBlock) -> Void) {
        let operands = HalfOperands(a, b, self)
        forEachBlock(operands) { row, rows, panel, panels in
            let stride = panels * Self.halfUnit, column = panel * Self.halfUnit
            let scratch = empty([rows, stride])
            operands.multiply(
                rows: row..<row + rows, panels: panel..<panel + panels, depth: Self.blockDepth, to: pointer(scratch),
                stride: stride, accumulate: false)
            finish(
                HalfBlock(
                    row: row, column: column, rows: rows, columns: min(stride, b.columns - column),
                    sums: pointer(scratch), stride: stride))
        }
    }

    private func forEachBlock(
        _ operands: HalfOperands, _ body: (_ row: Int, _ rows: Int, _ panel: Int, _ panels: Int) -> Void
    ) {
        let rowBlocks = (operands.rows + Self.blockRows - 1) / Self.blockRows
        let panelBlocks = (operands.panels + Self.blockPanels - 1) / Self.blockPanels
        // Equal blocks, so that the last one does not leave the other threads waiting.
        let rows = Self.share(operands.rows, of: rowBlocks, unit: Self.halfUnit)
        let panels = Self.share(operands.panels, of: panelBlocks, unit: 1)
        pool.run(rowBlocks * panelBlocks) { task in
            let row = task % rowBlocks * rows, panel = task / rowBlocks * panels
            guard row < operands.rows, panel < operands.panels else { return }
            body(row, min(rows, operands.rows - row), panel, min(panels, operands.panels - panel))
        }
    }

    private static func share(_ extent: Int, of parts: Int, unit: Int) -> Int {
        let part = (extent + max(parts, 1) - 1) / max(parts, 1)
        return (part + unit - 1) / unit * unit
    }
}

/// Both operands of a product as the kernel reads them.
struct HalfOperands {
    let rows: Int
    let panels: Int
    /// Values of k, padded.
    private let depth: Int
    private let left: LamHalfLeft
    private let right: UnsafeMutablePointer<UInt16>
    private let kernels: LamKernels
    /// Keeps the packed operands alive.
    private let memory: [Tensor]

    init(_ a: Matrix, _ b: Matrix, _ backend: CPUBackend) {
        let unit = CPUBackend.halfUnit
        precondition(a.columns == b.rows, "product of [\(a.rows), \(a.columns)] and [\(b.rows), \(b.columns)]")
        let rows = a.rows, panels = (b.columns + unit - 1) / unit, depth = (a.columns + unit - 1) / unit * unit
        let kernels = backend.kernels
        // Pieces of about 64 Ki values.
        let grain = max(1, (1 << 16) / (depth * unit + 1))

        let packed = backend.empty([panels * unit * depth], .bf16)
        let right = backend.halfPointer(packed)
        withUnsafePointer(to: b.halfSource(backend)) { source in
            backend.split(panels, grain: grain) { start, count in
                kernels.half_pack_right(source, b.isTransposed ? 1 : 0, start, count, right + start * unit * depth)
            }
        }
        if !a.isTransposed, a.tensor.dtype == .bf16, a.columns == depth {
            left = LamHalfLeft(values: backend.halfPointer(a.tensor), block: unit * depth, row: depth, step: unit)
            memory = [packed]
        } else {
            let blocks = (rows + unit - 1) / unit
            let packedLeft = backend.empty([blocks * unit * depth], .bf16)
            let target = backend.halfPointer(packedLeft)
            withUnsafePointer(to: a.halfSource(backend)) { source in
                backend.split(blocks, grain: grain) { start, count in
                    kernels.half_pack_left(source, a.isTransposed ? 1 : 0, start, count, target + start * unit * depth)
                }
            }
            left = LamHalfLeft(values: target, block: unit * depth, row: unit, step: unit * unit)
            memory = [packed, packedLeft]
        }
        (self.rows, self.panels, self.depth, self.right, self.kernels) = (rows, panels, depth, right, kernels)
    }

    /// `sums` gets, or is increased by, the product's block; k is taken in runs of up to about `depth`.
    func multiply(
        rows: Range<Int>, panels: Range<Int>, depth limit: Int, to sums: UnsafeMutablePointer<Float>, stride: Int,
        accumulate: Bool
    ) {
        let unit = CPUBackend.halfUnit
        let runs = max(1, (depth + limit / 2) / limit)
        let run = ((depth + runs - 1) / runs + unit - 1) / unit * unit
        for k in Swift.stride(from: 0, to: depth, by: run) {
            var part = left
            part.values = left.values + rows.lowerBound / unit * left.block + k / unit * left.step
            kernels.half_product(
                rows.count, panels.count, min(run, depth - k), &part,
                right + panels.lowerBound * unit * depth + k * unit, unit * depth, sums, stride,
                accumulate || k > 0 ? 1 : 0)
        }
    }
}

extension Matrix {
    /// The tensor's memory, as it lies, for packing.
    func halfSource(_ backend: CPUBackend) -> LamHalfSource {
        let (rows, columns) = isTransposed ? (self.columns, self.rows) : (self.rows, self.columns)
        let isHalf = tensor.dtype == .bf16
        return LamHalfSource(
            values: isHalf ? UnsafeRawPointer(backend.halfPointer(tensor)) : UnsafeRawPointer(backend.pointer(tensor)),
            is_half: isHalf ? 1 : 0, stride: columns, rows: rows, columns: columns)
    }
}
