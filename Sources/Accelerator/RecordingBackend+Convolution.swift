import StableHLO
import Tensor

/// Convolutions over channels-last frames.
extension RecordingBackend {
    private struct Filter {
        let weight: Tensor
        let bias: Tensor?
    }

    /// `[H, W, C]` in the type that is multiplied.
    private struct Frame {
        let values: Tensor
    }

    public func convolutionFilter(
        _ weight: Tensor, bias: Tensor?, precision: ConvolutionPrecision
    ) -> ConvolutionFilter {
        precondition(
            weight.shape.count == 5 && (bias.map { $0.count == weight.shape[0] } ?? true),
            "filter \(weight.shape) with bias \(bias?.shape ?? [])")
        let rounded = empty(weight.shape, precision.type)
        cast(weight, into: rounded)
        return ConvolutionFilter(
            shape: weight.shape, precision: precision, storage: Filter(weight: rounded, bias: bias))
    }

    public func convolutionFrames(
        _ x: Tensor, gamma: Tensor?, activates: Bool, precision: ConvolutionPrecision
    ) -> [ConvolutionFrame] {
        precondition(
            x.shape.count == 4 && (gamma.map { $0.count == x.shape[3] } ?? true),
            "frames \(x.shape), norm of \(gamma?.count ?? 0)")
        let shape = Array(x.shape[1...])
        let frames = (0..<x.shape[0]).map { _ in Frame(values: empty(shape, precision.type)) }
        record { r in
            var values = r.floats(x)
            if let gamma {
                let squares = r.function.sum(lastAxisOf: r.function.multiply(values, values))
                let length = r.function.binary(.maximum, r.function.unary(.sqrt, squares), 1e-12)
                values = r.function.divide(values, r.function.broadcast(allButLastAxis: length, to: values.shape))
                values = r.function.multiply(values, r.line(gamma, of: values))
            }
            if activates { values = r.function.silu(values) }
            let rounded = r.function.convert(values, to: precision.type.element)
            for (place, frame) in frames.enumerated() {
                r.write(r.function.slice(rounded, axis: 0, place..<place + 1), to: frame.values)
            }
        }
        return frames.map { ConvolutionFrame(rows: shape[0], columns: shape[1], channels: shape[2], storage: $0) }
    }

    public func convolve(
        _ frames: [ConvolutionFrame?], with filter: ConvolutionFilter, _ sampling: ConvolutionSampling,
        residual: Tensor?, into out: Tensor
    ) {
        guard let sample = frames.lazy.compactMap({ $0 }).first else {
            preconditionFailure("a convolution of nothing but padding")
        }
        let count = out.shape[0], kernel = filter.kernel
        precondition(
            out.shape.count == 4 && out.shape[3] == filter.outputs && residual.map { $0.count == out.count } ?? true
                && frames.count == (count - 1) * sampling.frameStride + kernel.frames
                && sample.channels == filter.inputs,
            "convolution of \(frames.count) frames by \(kernel) into \(out.shape)")
        let storage = own(filter.storage, Filter.self)
        record { r in
            let shape = [1, sample.rows, sample.columns, sample.channels]
            let zeros = r.function.constant(0, storage.weight.dtype.element, shape)
            let parts = frames.map { frame in
                frame.map { r.function.reshape(r.read(own($0.storage, Frame.self).values), shape) } ?? zeros
            }
            var x = r.function.concatenate(parts, axis: 0)
            if sampling.doubles { x = r.function.doubled(x) }
            func after(_ axis: Int, _ taps: Int, _ before: Int) -> Int {
                max(0, (out.shape[axis] - 1) * sampling.stride + taps - before - x.shape[axis])
            }
            let low = [sampling.top, sampling.left]
            let high = [after(1, kernel.rows, sampling.top), after(2, kernel.columns, sampling.left)]
            // Rows and columns that no tap of the last outputs reaches are left out.
            let rows = (out.shape[1] - 1) * sampling.stride + kernel.rows - low[0] - high[0]
            let columns = (out.shape[2] - 1) * sampling.stride + kernel.columns - low[1] - high[1]
            x = r.function.slice(r.function.slice(x, axis: 1, 0..<rows), axis: 2, 0..<columns)
            // Values of bf16 are multiplied exactly by whatever is fast at products of f32, and summed in f32.
            let weight = r.floats(storage.weight), operand = r.function.convert(x, to: .f32)
            let precision = filter.precision == .bf16 ? .fast : precision
            let sums: Value
            if kernel.frames == 1, sampling.frameStride == 1 {
                let flat = r.function.reshape(
                    weight, [filter.outputs, filter.inputs, kernel.rows, kernel.columns])
                let window = ConvolutionWindow(strides: [sampling.stride, sampling.stride], low: low, high: high)
                sums = r.function.convolve(operand, flat, window, to: .f32, precision)
            } else {
                let window = ConvolutionWindow(
                    strides: [sampling.frameStride, sampling.stride, sampling.stride], low: [0] + low,
                    high: [0] + high)
                sums = r.function.convolve(
                    r.function.reshape(operand, [1] + x.shape), weight, window, to: .f32, precision)
            }
            var result = r.function.reshape(sums, out.shape)
            if let bias = storage.bias { result = r.function.add(result, r.line(bias, of: result)) }
            if let residual {
                result = r.function.add(result, r.function.reshape(r.floats(residual), out.shape))
            }
            r.write(result, to: out)
        }
    }
}

extension ConvolutionPrecision {
    fileprivate var type: DType { self == .bf16 ? .bf16 : .f32 }
}

extension Function {
    /// Each pixel of `[T, H, W, C]` as 2 x 2 of its kind.
    fileprivate mutating func doubled(_ x: Value) -> Value {
        let (t, h, w, c) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
        let repeated = broadcast(x, to: [t, h, 2, w, 2, c], axes: [0, 1, 3, 5])
        return reshape(repeated, [t, 2 * h, 2 * w, c])
    }
}
