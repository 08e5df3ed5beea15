import Kernels

/// bf16 products: operands are rounded to bf16 where they are f32, sums are f32.
///
/// The right operand is packed into the layout that the kernel wants by all threads first, and so is the left one unless
/// it lies in memory that way already; then each task makes a block of the output. Rounding f32 weights while they are
/// packed costs no pass of its own, so there is no second copy of them.
extension CPUBackend {
    /// Columns of a panel, and what k is padded to.
    static let halfUnit = 32
    /// Panels of a task: 384 columns of the right operand stay in the second-level cache while the left one streams by.
    private static let taskPanels = 12
    /// Rows of a task whose sums are made in one run over k, and of one that has to keep them between runs.
    private static let taskRows = (single: 800, several: 256)

    func halfProduct(_ a: Matrix, _ b: Matrix, _ packing: PackedOperands.Packing, _ output: LamOutput) {
        let operands = PackedOperands(a, b, packing, self)
        let unit = Self.halfUnit
        let isSingle = packing == .rounded && operands.depth <= Int(LAM_HALF_DEPTH)
        let panels = Self.share(operands.panels, about: Self.taskPanels, unit: 1)
        let panelTasks = (operands.panels + panels - 1) / panels
        // Each sum is made in one order however the output is cut, so the cut may look at the thread count.
        var limit = isSingle ? Self.taskRows.single : Self.taskRows.several
        while limit > 2 * unit, (operands.rows + limit - 1) / limit * panelTasks < 2 * pool.threadCount { limit /= 2 }
        let rows = Self.share(operands.rows, about: limit, unit: unit)
        let rowTasks = (operands.rows + rows - 1) / rows
        let scratch = isSingle ? 2048 : (rows + unit - 1) / unit * panels * 1024
        withExtendedLifetime(operands.memory) {
            pool.run(rowTasks * panelTasks) { task in
                // Neighbouring tasks share columns, so that threads read the same part of the weights.
                let row = task % rowTasks * rows, panel = task / rowTasks * panels
                let taskRows = row..<min(row + rows, operands.rows), end = min(panel + panels, operands.panels)
                withScratch(scratch) {
                    operands.multiply(rows: taskRows, panels: panel..<end, output: output, scratch: $0, kernels)
                }
            }
        }
    }

    /// Length of equal parts of about `size`, a multiple of `unit`.
    private static func share(_ extent: Int, about size: Int, unit: Int) -> Int {
        let parts = max(1, (extent + size - 1) / size)
        let part = (extent + parts - 1) / parts
        return max(unit, (part + unit - 1) / unit * unit)
    }
}

/// Both operands of a product as the kernels read them.
struct PackedOperands {
    /// What becomes of f32 values.
    enum Packing {
        /// bf16, to nearest.
        case rounded
        /// Three bf16 whose sum is the value; see `split.h`.
        case split
    }

    let rows: Int
    let panels: Int
    /// Values of k, padded.
    let depth: Int
    private let packing: Packing
    private let left: LamHalfLeft
    private let right: UnsafeMutablePointer<UInt16>
    /// Keeps the packed operands alive.
    fileprivate let memory: [Tensor]

    private typealias PackFunction =
        @convention(c) (
            UnsafePointer<LamSource>?, Int32, Int, Int, UnsafeMutablePointer<UInt16>?
        ) -> Void

    init(_ a: Matrix, _ b: Matrix, _ packing: Packing, _ backend: CPUBackend) {
        let unit = CPUBackend.halfUnit
        precondition(a.columns == b.rows, "product of [\(a.rows), \(a.columns)] and [\(b.rows), \(b.columns)]")
        let rows = a.rows, panels = (b.columns + unit - 1) / unit, depth = (a.columns + unit - 1) / unit * unit
        let kernels = backend.kernels
        let parts = packing == .split ? 3 : 1
        let packRight: PackFunction? = packing == .split ? kernels.split_pack_right : kernels.half_pack_right
        let packLeft: PackFunction? = packing == .split ? kernels.split_pack_left : kernels.half_pack_left
        guard let packRight, let packLeft else { preconditionFailure("no \(packing) products here") }
        /// Values of a panel or of a block of rows.
        let line = unit * depth * parts
        // Pieces of about 64 Ki values.
        let grain = max(1, (1 << 16) / (line + 1))

        let packed = backend.empty([panels * line], .bf16)
        let right = backend.halfPointer(packed)
        withUnsafePointer(to: b.source(backend)) { source in
            backend.split(panels, grain: grain) { start, count in
                packRight(source, b.isTransposed ? 1 : 0, start, count, right + start * line)
            }
        }
        if !a.isTransposed, a.tensor.dtype == .bf16, a.columns == depth {
            left = LamHalfLeft(values: backend.halfPointer(a.tensor), block: line, row: depth, step: unit)
            memory = [packed]
        } else {
            let blocks = (rows + unit - 1) / unit
            let packedLeft = backend.empty([blocks * line], .bf16)
            let target = backend.halfPointer(packedLeft)
            withUnsafePointer(to: a.source(backend)) { source in
                backend.split(blocks, grain: grain) { start, count in
                    packLeft(source, a.isTransposed ? 1 : 0, start, count, target + start * line)
                }
            }
            left = LamHalfLeft(values: target, block: line, row: unit, step: unit * unit)
            memory = [packed, packedLeft]
        }
        (self.rows, self.panels, self.depth, self.packing, self.right) = (rows, panels, depth, packing, right)
    }

    /// A part of the product; `output` begins where the whole begins, and row ranges with a multiple of 32.
    func multiply(
        rows: Range<Int>, panels: Range<Int>, output: LamOutput, scratch: UnsafeMutablePointer<Float>,
        _ kernels: LamKernels
    ) {
        let unit = CPUBackend.halfUnit
        var part = left
        part.values = left.values + rows.lowerBound / unit * left.block
        var target = output.from(row: rows.lowerBound, column: panels.lowerBound * unit)
        switch packing {
        case .rounded:
            kernels.half_product(
                rows.count, panels.count, depth, &part, right + panels.lowerBound * unit * depth, &target, scratch)
        case .split:
            kernels.split_product(
                rows.count, panels.count, depth, &part, right + panels.lowerBound * unit * depth * 3, &target, scratch)
        }
    }
}
