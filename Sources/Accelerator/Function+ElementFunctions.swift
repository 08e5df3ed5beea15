import StableHLO
import Tensor

/// Functions of one number and their slopes, of f32.
extension Function {
    mutating func apply(_ function: ElementFunction, to x: Value) -> Value {
        switch function {
        case .exp: unary(.exponential, x)
        case .log: unary(.log, x)
        case .squareRoot: unary(.sqrt, x)
        case .reciprocal: divide(number(1, like: x), x)
        case .tanh: unary(.tanh, x)
        case .silu: silu(x)
        case .relu: binary(.maximum, x, number(0, like: x))
        case .clamp(let low, let high):
            binary(.minimum, binary(.maximum, x, number(low, like: x)), number(high, like: x))
        case .affine(let factor, let offset): add(multiply(x, by: Double(factor)), number: Double(offset))
        case .absolute: unary(.abs, x)
        case .smoothAbsolute(let beta): smoothAbsolute(x, beta)
        }
    }

    /// - Parameter y: the function's value at `x`.
    mutating func slope(of function: ElementFunction, _ x: Value, _ y: Value) -> Value {
        let zero = number(0, like: x), one = number(1, like: x)
        switch function {
        case .exp: return y
        case .log: return divide(one, x)
        case .squareRoot:
            let half = divide(number(0.5, like: x), y)
            return select(compare(y, .greater, zero), half, zero)
        case .reciprocal: return unary(.negate, multiply(y, y))
        case .tanh: return subtract(one, multiply(y, y))
        case .silu:
            let sigmoid = divide(one, add(unary(.exponential, unary(.negate, x)), number: 1))
            return add(sigmoid, multiply(y, subtract(one, sigmoid)))
        case .relu: return select(compare(x, .greater, zero), one, zero)
        case .clamp(let low, let high):
            let reaches = select(compare(x, .greaterOrEqual, number(low, like: x)), one, zero)
            return select(compare(x, .lessOrEqual, number(high, like: x)), reaches, zero)
        case .affine(let factor, _): return number(factor, like: x)
        case .absolute: return sign(of: x)
        case .smoothAbsolute(let beta):
            let isNear = compare(unary(.abs, x), .less, number(beta, like: x))
            let far = select(compare(x, .greater, zero), one, number(-1, like: x))
            return select(isNear, divide(x, number(beta, like: x)), far)
        }
    }

    private mutating func smoothAbsolute(_ x: Value, _ beta: Float) -> Value {
        let size = unary(.abs, x)
        let near = divide(multiply(x, x), number(2 * beta, like: x))
        let far = add(size, number: -Double(beta / 2))
        return select(compare(size, .less, number(beta, like: x)), near, far)
    }

    /// -1, 0 or 1; 0 of what is no number.
    private mutating func sign(of x: Value) -> Value {
        let zero = number(0, like: x)
        let below = select(compare(x, .less, zero), number(-1, like: x), zero)
        return select(compare(x, .greater, zero), number(1, like: x), below)
    }

    private mutating func number(_ value: Float, like x: Value) -> Value { constant(Double(value), .f32, x.shape) }
}
