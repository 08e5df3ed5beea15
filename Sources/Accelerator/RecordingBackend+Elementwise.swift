import StableHLO
import Tensor

/// Element-wise work, copies and sums.
extension RecordingBackend {
    public func cast(_ x: Tensor, into out: Tensor) {
        precondition(x.count == out.count, "cast of \(x.shape) into \(out.shape)")
        record { $0.write($0.read(x), to: out) }
    }

    public func fill(_ tensor: Tensor, with value: Float) {
        precondition(tensor.dtype == .f32, "an f32 operation got a \(tensor.dtype) tensor \(tensor.shape)")
        record { $0.fill(tensor, bits: UInt64(value.bitPattern)) }
    }

    public func add(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        precondition(
            a.count == out.count && b.count > 0 && a.count % b.count == 0, "\(a.shape) + \(b.shape) into \(out.shape)")
        record { r in
            let rows = r.function.reshape(r.read(a), [a.count / b.count, b.count])
            let line = r.function.reshape(r.read(b), [b.count])
            r.write(r.function.add(rows, r.function.broadcast(lastAxis: line, to: rows.shape)), to: out)
        }
    }

    public func multiply(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        precondition(a.count == b.count && a.count == out.count, "\(a.shape) * \(b.shape) into \(out.shape)")
        record { r in
            r.write(r.function.multiply(r.floats(a), r.function.reshape(r.floats(b), a.shape)), to: out)
        }
    }

    public func addColumnSums(of x: Tensor, to out: Tensor) {
        precondition(out.count > 0 && x.count % out.count == 0, "column sums of \(x.shape) into \(out.shape)")
        record { r in
            let rows = r.function.reshape(r.floats(x), [x.count / out.count, out.count])
            r.add(r.function.sum(rows, axes: [0]), to: out)
        }
    }

    public func sumOfSquares(_ x: Tensor, into sum: Tensor) {
        record { r in
            let flat = r.function.reshape(r.read(x), [x.count])
            r.write(r.function.sumOfSquares(flat), to: sum)
        }
    }
}

extension Function {
    /// Of all elements of a vector, in f64.
    mutating func sumOfSquares(_ x: Value) -> Value {
        let wide = convert(x, to: .f64)
        return sum(multiply(wide, wide), axes: [0])
    }
}
