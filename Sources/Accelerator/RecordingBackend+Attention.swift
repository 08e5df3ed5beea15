import StableHLO
import Tensor

extension RecordingBackend {
    public func attention(_ qkv: Tensor, layout: AttentionLayout, keyMask: Tensor?, bias: Tensor?, into out: Tensor) {
        let problem = AttentionProgram(layout, qkv, precision)
        precondition(
            out.count == layout.tokenCount * problem.width && out.dtype == qkv.dtype,
            "attention of \(qkv.shape) into \(out.shape)")
        record { r in
            let parts = problem.parts(of: qkv, in: r)
            let p = problem.probabilities(parts, keyMask: keyMask, bias: bias, in: r)
            let rounded = r.function.convert(p, to: parts[2].element)
            let sums = problem.multiply(rounded, parts[2], summing: .keys, in: r)
            r.write(problem.tokens([sums], in: r), to: out)
        }
    }

    public func attentionBackward(
        _ dout: Tensor, qkv: Tensor, layout: AttentionLayout, keyMask: Tensor?, into dqkv: Tensor
    ) {
        let problem = AttentionProgram(layout, qkv, precision)
        precondition(
            dqkv.count == qkv.count && dout.count * 3 == qkv.count && dqkv.dtype == qkv.dtype
                && dout.dtype == qkv.dtype,
            "attention gradient \(dout.shape) of \(qkv.shape) into \(dqkv.shape)")
        record { r in
            let parts = problem.parts(of: qkv, isolated: true, in: r), element = parts[0].element
            let upstream = problem.part(of: dout, in: r)
            let p = problem.probabilities(parts, keyMask: keyMask, bias: nil, in: r)
            let dv = problem.multiply(
                r.function.convert(p, to: element), upstream, summing: .queries, in: r)
            let dp = problem.multiply(upstream, parts[2], summing: .elements, in: r)
            let inner = r.function.sum(lastAxisOf: r.function.multiply(p, dp))
            let centred = r.function.subtract(dp, r.function.broadcast(allButLastAxis: inner, to: dp.shape))
            let ds = r.function.multiply(r.function.multiply(p, centred), by: Double(problem.scale))
            let rounded = r.function.convert(ds, to: element)
            let dq = problem.multiply(rounded, parts[1], summing: .keys, in: r)
            let dk = problem.multiply(rounded, parts[0], summing: .queries, in: r)
            r.write(problem.tokens([dq, dk, dv], in: r), to: dqkv)
        }
    }
}
