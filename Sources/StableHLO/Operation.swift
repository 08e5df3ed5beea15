/// What a line of a program does, with all that is not a value. How each is spelt is in `Function+Text.swift`.
enum Operation: Hashable, Sendable {
    case argument(Int)
    /// Bits of the one element, as many as it has.
    case constant(UInt64)
    case iota(axis: Int)

    case unary(UnaryOperation)
    case binary(BinaryOperation)
    case compare(Comparison)
    case select
    case convert

    case reshape
    case transpose([Int])
    case broadcast([Int])
    case slice(starts: [Int], ends: [Int], strides: [Int])
    case concatenate(axis: Int)
    case pad(low: [Int], high: [Int])
    case dynamicSlice([Int])
    case dynamicUpdateSlice

    case reduce(Reduction, [Int])
    case dot(DotAxes, Precision)
    case convolution(ConvolutionWindow, Precision)
    case gatherRows
    case scatterAddRows
    case allReduce(replicas: Int)
    case barrier
}

/// Operations on each element.
public enum UnaryOperation: String, Sendable, Hashable {
    case negate, exponential, log, tanh, sqrt, abs, erf
    /// To the nearest integer, halves to even.
    case round = "round_nearest_even"
}

/// Operations on pairs of elements.
public enum BinaryOperation: String, Sendable, Hashable {
    case add, subtract, multiply, divide, maximum, minimum
}

/// Comparisons; none holds of a NaN but `NE`.
public enum Comparison: String, Sendable, Hashable {
    case equal = "EQ"
    case notEqual = "NE"
    case less = "LT"
    case lessOrEqual = "LE"
    case greater = "GT"
    case greaterOrEqual = "GE"
}

/// What elements become along axes that go.
public enum Reduction: String, Sendable, Hashable {
    case add, maximum, minimum
}

/// How exactly products of f32 are made where a device could be faster.
public enum Precision: String, Sendable, Hashable {
    /// With whatever the device is fastest at: TF32, or bf16.
    case fast = "DEFAULT"
    /// As f32.
    case exact = "HIGHEST"
}

/// Which axes of a product's operands belong together.
public struct DotAxes: Sendable, Hashable {
    /// Axes that stay, in front of the result.
    public var batch: (left: [Int], right: [Int])
    /// Axes that are summed over.
    public var contracted: (left: [Int], right: [Int])

    public init(batch: (left: [Int], right: [Int]) = ([], []), contracted: (left: [Int], right: [Int])) {
        (self.batch, self.contracted) = (batch, contracted)
    }

    public static func == (a: DotAxes, b: DotAxes) -> Bool {
        a.batch == b.batch && a.contracted == b.contracted
    }

    public func hash(into hasher: inout Hasher) {
        for axes in [batch.left, batch.right, contracted.left, contracted.right] { hasher.combine(axes) }
    }
}

/// Strides and zeros around a convolution's input, for each axis of space or time.
public struct ConvolutionWindow: Sendable, Hashable {
    public var strides: [Int]
    public var low: [Int]
    public var high: [Int]

    public init(strides: [Int], low: [Int], high: [Int]) {
        (self.strides, self.low, self.high) = (strides, low, high)
    }
}
