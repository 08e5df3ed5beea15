/// A function of one number, for `Backend.apply`.
public enum ElementFunction: Sendable, Equatable {
    case exp
    case log
    /// Its gradient at 0 is 0, so that the length of a vanishing vector has one.
    case squareRoot
    case reciprocal
    case tanh
    /// `x / (1 + e^-x)`.
    case silu
    /// `max(0, x)`.
    case relu
    /// `min(max(x, low), high)`; only what lies between the bounds has a gradient.
    case clamp(low: Float, high: Float)
    /// `factor * x + offset`.
    case affine(factor: Float, offset: Float)
    /// `|x|`, without a gradient at 0.
    case absolute
    /// `x^2 / (2 beta)` where `|x| < beta`, else `|x| - beta / 2` (Girshick 2015).
    case smoothAbsolute(beta: Float)
}
