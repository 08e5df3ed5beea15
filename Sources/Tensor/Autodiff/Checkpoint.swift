extension Tape {
    /// `body(x)`; on a checkpointing tape nothing that `body` makes is kept, and the backward pass runs it again first
    /// (Chen et al. 2016). The results are the same bit for bit.
    ///
    /// - Parameter body: depends on no tracked tensor but its argument, and on parameters.
    public func checkpoint(_ x: Tensor, _ body: @escaping (_ x: Tensor, _ tape: Tape) -> Tensor) -> Tensor {
        guard isRecording, isCheckpointing else { return body(x, self) }
        let forward = Tape(on: backend, recording: false, autocast: autocast)
        forward.observer = observer
        forward.observesBranches = observesBranches
        let out = body(x.detached, forward)
        let input = x.detached, slot = x.slot, announced = forward.gradientsOfParameters
        return record(out, from: [x], addingTo: announced) { [self] gradient in
            let again = Tape(on: backend, recording: true, autocast: autocast)
            let variable = again.variable(backend.isolated(input))
            let output = body(variable, again)
            precondition(
                again.gradientsOfParameters.count == announced.count,
                "an operation adds to gradients that it did not announce when it ran first")
            again.backward(from: output, gradient: gradient)
            if let gradient = again.takeGradient(of: variable) { accumulate(gradient, into: slot) }
        }
    }
}
