import Kernels

extension CPUBackend {
    public func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float, into y: Tensor) {
        let columns = weight.count
        precondition(x.count == y.count && x.count % columns == 0, "RMS norm over \(columns) of \(x.shape)")
        let source = pointer(x), target = pointer(y), w = pointer(weight)
        split(x.count / columns, grain: 64) { start, count in
            kernels.rms_norm(source + start * columns, w, epsilon, count, columns, target + start * columns)
        }
    }
}
