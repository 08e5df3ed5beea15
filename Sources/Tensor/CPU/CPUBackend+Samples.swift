/// What is done to all tokens of a sample by one vector of its own.
extension CPUBackend {
    public func scaleSamples(
        _ x: Tensor, by factors: Tensor, adding base: Tensor, shift: Tensor?, into out: Tensor
    ) {
        let (samples, width) = sampleAxes(x, factors)
        precondition(
            base.count == x.count && out.count == x.count && (shift.map { $0.count == factors.count } ?? true),
            "samples of \(x.shape) with \(base.shape) into \(out.shape)")
        let source = pointer(x), factor = pointer(factors), start = pointer(base), target = pointer(out)
        let shifts = shift.map { pointer($0) }
        let tokens = x.count / (samples * width)
        split(samples * tokens, grain: max(1, Self.grain / width)) { first, count in
            for row in first..<first + count {
                let own = row / tokens * width
                let (from, to) = (source + row * width, target + row * width)
                let (scale, under) = (factor + own, start + row * width)
                if let shifts {
                    let above = shifts + own
                    for place in 0..<width { to[place] = under[place] + from[place] * scale[place] + above[place] }
                } else {
                    for place in 0..<width { to[place] = under[place] + from[place] * scale[place] }
                }
            }
        }
    }

    public func scaleSamplesBackward(
        _ dy: Tensor, x: Tensor, factors: Tensor, into dx: Tensor?, accumulate: Bool, dfactors: Tensor?,
        dshift: Tensor?
    ) {
        let (samples, width) = sampleAxes(x, factors)
        precondition(dy.count == x.count, "gradient \(dy.shape) of samples of \(x.shape)")
        let gradient = pointer(dy), source = pointer(x), factor = pointer(factors)
        let target = dx.map { pointer($0) }, slopes = dfactors.map { pointer($0) }, shifts = dshift.map { pointer($0) }
        let tokens = x.count / (samples * width)
        // Every sum is made by one task, in the order of tokens.
        let strip = 128, strips = (width + strip - 1) / strip
        split(samples * strips, grain: 1) { first, count in
            for task in first..<first + count {
                let sample = task / strips, left = task % strips * strip
                for channel in left..<min(width, left + strip) {
                    slopes?[sample * width + channel] = 0
                    shifts?[sample * width + channel] = 0
                }
                for token in 0..<tokens {
                    let row = (sample * tokens + token) * width
                    for channel in left..<min(width, left + strip) {
                        let value = gradient[row + channel]
                        slopes?[sample * width + channel] += value * source[row + channel]
                        shifts?[sample * width + channel] += value
                        guard let target else { continue }
                        let own = value * factor[sample * width + channel]
                        target[row + channel] = accumulate ? target[row + channel] + own : own
                    }
                }
            }
        }
    }

    private func sampleAxes(_ x: Tensor, _ factors: Tensor) -> (samples: Int, width: Int) {
        let width = x.shape.last ?? 1
        let samples = factors.count / max(1, width)
        precondition(
            width > 0 && samples > 0 && factors.count == samples * width && x.count % factors.count == 0,
            "samples of \(x.shape) by \(factors.shape)")
        return (samples, width)
    }
}
