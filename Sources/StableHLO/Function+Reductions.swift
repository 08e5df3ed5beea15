/// Sums and extremes along axes, and over replicas.
extension Function {
    /// The result lacks the axes.
    public mutating func reduce(_ x: Value, _ reduction: Reduction, axes: [Int]) -> Value {
        precondition(
            Set(axes).count == axes.count && axes.allSatisfy(x.shape.indices.contains),
            "\(reduction.rawValue) of \(x.type) along \(axes)")
        guard !axes.isEmpty else { return x }
        let shape = x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] }
        let start = constant(bits: Self.start(of: reduction, x.element), x.element)
        return append(.reduce(reduction, axes.sorted()), [x, start], TensorType(x.element, shape))
    }

    public mutating func sum(_ x: Value, axes: [Int]) -> Value { reduce(x, .add, axes: axes) }

    /// Sum along the last axis.
    public mutating func sum(lastAxisOf x: Value) -> Value { sum(x, axes: [x.shape.count - 1]) }

    /// What a reduction of nothing is.
    private static func start(of reduction: Reduction, _ element: Element) -> UInt64 {
        switch (reduction, element) {
        case (.add, _): 0
        case (.maximum, .f32): UInt64((-Float.infinity).bitPattern)
        case (.minimum, .f32): UInt64(Float.infinity.bitPattern)
        case (.maximum, .f64): (-Double.infinity).bitPattern
        case (.minimum, .f64): Double.infinity.bitPattern
        case (.maximum, .bf16): 0xff80
        case (.minimum, .bf16): 0x7f80
        case (.maximum, .i32): UInt64(UInt32(bitPattern: .min))
        case (.minimum, .i32): UInt64(UInt32(bitPattern: .max))
        case (.maximum, _), (.minimum, _): preconditionFailure("\(reduction.rawValue) of \(element.rawValue)")
        }
    }

    /// The sum over all replicas.
    public mutating func allReduce(_ x: Value, replicas: Int) -> Value {
        guard replicas > 1 else { return x }
        precondition([1, replicas].contains(self.replicas), "a sum over \(replicas) of \(self.replicas) replicas")
        self.replicas = replicas
        return append(.allReduce(replicas: replicas), [x], x.type)
    }
}
