import StableHLO
import Tensor

/// Linear maps and feed-forward networks. Products take operands of the type of x, and sum in f32.
extension RecordingBackend {
    public func linear(_ x: Tensor, weight: Tensor, bias: Tensor?, epilogue: LinearEpilogue, into out: Tensor) {
        record { r in
            let sums = r.linear(r.matrix(x), LinearMap(weight: weight, bias: bias), precision)
            precondition(
                sums.type.count == out.count, "linear map \(weight.shape) of \(x.shape) into \(out.shape)")
            let result: Value
            switch epilogue {
            case .none: result = sums
            case .residual(let tensor):
                precondition(tensor.count == out.count, "residual \(tensor.shape) for \(out.shape)")
                result = r.function.add(sums, r.function.reshape(r.floats(tensor), sums.shape))
            case .gelu: result = r.function.gelu(sums)
            case .tanhGELU: result = r.function.tanhGELU(sums)
            case .relu: result = r.function.binary(.maximum, sums, 0)
            }
            r.write(result, to: out)
        }
    }

    public func linearBackward(
        _ dy: Tensor, x: () -> Tensor, weight: Tensor, gradients: LinearGradients, into dx: Tensor?, accumulate: Bool
    ) {
        let x = x()
        record { r in
            if let sums = gradients.bias {
                r.add(r.function.sum(r.function.convert(r.matrix(dy), to: .f32), axes: [0]), to: sums)
            }
            let input = r.matrix(x), g = r.function.convert(r.matrix(dy), to: input.element)
            r.linearBackward(g, input, weight, gradients.weight, into: dx, accumulate: accumulate, precision)
        }
    }

    /// Input of the GELU.
    private struct HiddenLayer {
        let input: Tensor
    }

    public func feedForward(
        _ x: Tensor, expand: LinearMap, project: LinearMap, residual: Tensor, into out: Tensor, keeps: Bool
    ) -> KeptActivations? {
        let kept = keeps ? empty(x.shape.dropLast() + [expand.weight.shape[0]], x.dtype) : nil
        record { r in
            let input = r.matrix(x), u = r.linear(input, expand, precision)
            if let kept { r.write(u, to: kept) }
            let hidden = r.function.convert(r.function.gelu(u), to: input.element)
            let sums = r.linear(hidden, project, precision)
            r.write(r.function.add(sums, r.function.reshape(r.floats(residual), sums.shape)), to: out)
        }
        return kept.map { KeptActivations(HiddenLayer(input: $0)) }
    }

    public func feedForwardBackward(
        _ dy: Tensor, x: () -> Tensor, kept: KeptActivations, expand: LinearMap, project: LinearMap,
        gradients: (expand: LinearGradients, project: LinearGradients), into dx: Tensor?, accumulate: Bool
    ) {
        let hidden = own(kept.storage, HiddenLayer.self).input, x = x()
        record { r in
            if let sums = gradients.project.bias {
                r.add(r.function.sum(r.function.convert(r.matrix(dy), to: .f32), axes: [0]), to: sums)
            }
            // Isolated, so that the hidden layer is made again and not kept beside its input.
            let u = r.function.convert(r.function.barrier(r.matrix(hidden)), to: .f32)
            let element = hidden.dtype.element
            let upstream = r.function.convert(r.matrix(dy), to: element)
            if let sums = gradients.project.weight {
                let activated = r.function.convert(r.function.gelu(u), to: element)
                r.add(r.function.product(upstream, activated, contracting: (0, 0), precision), to: sums)
            }
            let back = r.function.product(upstream, r.weight(project.weight, element), contracting: (1, 0), precision)
            let g = r.function.convert(
                r.function.multiply(back, r.function.geluDerivative(u)), to: element)
            if let sums = gradients.expand.bias {
                r.add(r.function.sum(r.function.convert(g, to: .f32), axes: [0]), to: sums)
            }
            r.linearBackward(
                g, r.matrix(x), expand.weight, gradients.expand.weight, into: dx, accumulate: accumulate, precision)
        }
    }
}

extension Recording {
    /// A weight in the type that products take.
    fileprivate func weight(_ tensor: Tensor, _ element: Element) -> Value {
        function.convert(matrix(tensor), to: element)
    }

    /// `x weight^T + bias` of rows, f32.
    fileprivate func linear(_ x: Value, _ map: LinearMap, _ precision: Precision) -> Value {
        let product = function.product(x, weight(map.weight, x.element), contracting: (1, 1), precision)
        guard let bias = map.bias else { return product }
        let line = function.reshape(floats(bias), [bias.count])
        return function.add(product, function.broadcast(lastAxis: line, to: product.shape))
    }

    /// Gradients of a linear map from that of its result, in the type of its input.
    fileprivate func linearBackward(
        _ g: Value, _ x: Value, _ weight: Tensor, _ sums: Tensor?, into dx: Tensor?, accumulate: Bool,
        _ precision: Precision
    ) {
        if let sums { add(function.product(g, x, contracting: (0, 0), precision), to: sums) }
        guard let dx else { return }
        let product = function.product(g, self.weight(weight, g.element), contracting: (1, 0), precision)
        write(product, to: dx, accumulate: accumulate)
    }
}

extension Function {
    /// The product of two matrices over an axis of each, f32.
    mutating func product(
        _ a: Value, _ b: Value, contracting axes: (left: Int, right: Int), _ precision: Precision
    ) -> Value {
        dot(a, b, DotAxes(contracted: ([axes.left], [axes.right])), to: .f32, precision)
    }
}
