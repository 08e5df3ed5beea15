/// Constants and operations on elements.
extension Function {
    /// One number in every element of a shape.
    public mutating func constant(_ value: Double, _ element: Element, _ shape: [Int] = []) -> Value {
        constant(bits: Self.bits(value, element), element, shape)
    }

    /// The same by its bits.
    public mutating func constant(bits: UInt64, _ element: Element, _ shape: [Int] = []) -> Value {
        constant(.constant(bits), TensorType(element, shape))
    }

    private static func bits(_ value: Double, _ element: Element) -> UInt64 {
        switch element {
        case .f64: value.bitPattern
        case .f32: UInt64(Float(value).bitPattern)
        case .bf16:
            // Nearest, ties to even, of what f32 has.
            value.isNaN
                ? 0x7fc0
                : UInt64((Float(value).bitPattern &+ 0x7fff &+ ((Float(value).bitPattern >> 16) & 1)) >> 16)
        case .i32: UInt64(UInt32(bitPattern: Int32(value)))
        case .i64: UInt64(bitPattern: Int64(value))
        case .ui32, .ui8, .i1: UInt64(value)
        }
    }

    /// The place of each element along an axis.
    public mutating func iota(_ element: Element, _ shape: [Int], axis: Int) -> Value {
        precondition(shape.indices.contains(axis), "places along axis \(axis) of \(shape)")
        return constant(.iota(axis: axis), TensorType(element, shape))
    }

    public mutating func unary(_ operation: UnaryOperation, _ x: Value) -> Value {
        append(.unary(operation), [x], x.type)
    }

    public mutating func binary(_ operation: BinaryOperation, _ a: Value, _ b: Value) -> Value {
        precondition(a.type == b.type, "\(operation.rawValue) of \(a.type) and \(b.type)")
        return append(.binary(operation), [a, b], a.type)
    }

    public mutating func add(_ a: Value, _ b: Value) -> Value { binary(.add, a, b) }
    public mutating func subtract(_ a: Value, _ b: Value) -> Value { binary(.subtract, a, b) }
    public mutating func multiply(_ a: Value, _ b: Value) -> Value { binary(.multiply, a, b) }
    public mutating func divide(_ a: Value, _ b: Value) -> Value { binary(.divide, a, b) }

    /// `x op number`.
    public mutating func binary(_ operation: BinaryOperation, _ x: Value, _ number: Double) -> Value {
        binary(operation, x, constant(number, x.element, x.shape))
    }

    public mutating func multiply(_ x: Value, by number: Double) -> Value { binary(.multiply, x, number) }
    public mutating func add(_ x: Value, number: Double) -> Value { binary(.add, x, number) }

    /// Truth values.
    public mutating func compare(_ a: Value, _ comparison: Comparison, _ b: Value) -> Value {
        precondition(a.type == b.type, "\(comparison.rawValue) of \(a.type) and \(b.type)")
        return append(.compare(comparison), [a, b], TensorType(.i1, a.shape))
    }

    /// Where elements are neither infinite nor no number at all.
    public mutating func isFinite(_ x: Value) -> Value {
        compare(unary(.abs, x), .less, constant(.infinity, x.element, x.shape))
    }

    /// Elements of `a` where `condition` holds, of `b` elsewhere.
    public mutating func select(_ condition: Value, _ a: Value, _ b: Value) -> Value {
        precondition(
            condition.element == .i1 && condition.shape == a.shape && a.type == b.type,
            "\(condition.type) selects of \(a.type) and \(b.type)")
        return append(.select, [condition, a, b], a.type)
    }

    /// The same numbers in another type: floating ones rounded to nearest even.
    public mutating func convert(_ x: Value, to element: Element) -> Value {
        guard x.element != element else { return x }
        return append(.convert, [x], TensorType(element, x.shape))
    }

    /// The same value, which no optimisation looks through.
    public mutating func barrier(_ x: Value) -> Value { append(.barrier, [x], x.type) }
}
