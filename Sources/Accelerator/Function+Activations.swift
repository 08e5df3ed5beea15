import StableHLO

/// Activations and their derivatives, of f32.
extension Function {
    /// `x cdf(x)`.
    mutating func gelu(_ x: Value) -> Value { multiply(x, normalCDF(x)) }

    /// `cdf(x) + x exp(-x^2 / 2) / sqrt(2 pi)`.
    mutating func geluDerivative(_ x: Value) -> Value {
        let density = multiply(unary(.exponential, multiply(multiply(x, x), by: -0.5)), by: 0.398942280401432678)
        return add(normalCDF(x), multiply(x, density))
    }

    /// `(1 + erf(x / sqrt 2)) / 2`.
    private mutating func normalCDF(_ x: Value) -> Value {
        multiply(add(unary(.erf, multiply(x, by: 0.707106781186547524)), number: 1), by: 0.5)
    }

    /// `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`.
    mutating func tanhGELU(_ x: Value) -> Value {
        let cube = multiply(multiply(multiply(x, x), x), by: 0.044715)
        let inner = multiply(add(x, cube), by: 0.797884560802865356)
        return multiply(multiply(x, by: 0.5), add(unary(.tanh, inner), number: 1))
    }

    /// `x / (1 + exp(-x))`.
    mutating func silu(_ x: Value) -> Value {
        divide(x, add(unary(.exponential, unary(.negate, x)), number: 1))
    }
}
