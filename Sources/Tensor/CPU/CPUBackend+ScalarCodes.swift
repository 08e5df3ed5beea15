import Foundation

/// Finite scalar quantisation.
extension CPUBackend {
    public func scalarCodes(_ x: Tensor, _ levels: ScalarLevels, into codes: Tensor, indices: Tensor) {
        let channels = levels.channels
        precondition(
            x.count == codes.count && x.count == indices.count * channels,
            "codes of \(channels) channels for \(x.shape) into \(codes.shape), indices into \(indices.shape)")
        let source = pointer(x), target = pointer(codes), index = indexPointer(indices)
        split(indices.count, grain: max(1, Self.grain / (16 * channels))) { start, count in
            for row in start..<start + count {
                var (number, basis) = (0, 1)
                for (channel, levelCount) in levels.levels.enumerated() {
                    let place = row * channels + channel
                    let bounded =
                        tanhf(source[place] + levels.shift[channel]) * levels.half[channel] - levels.offset[channel]
                    // What is no number has no code; the loss, which is none either, ends the run.
                    let rounded = bounded.isNaN ? 0 : bounded.rounded(.toNearestOrEven)
                    target[place] = bounded.isNaN ? bounded : rounded / Float(levelCount / 2)
                    number += (Int(rounded) + levelCount / 2) * basis
                    basis *= levelCount
                }
                index[row] = Int32(number)
            }
        }
    }

    public func scalarCodesBackward(
        _ dy: Tensor, x: Tensor, _ levels: ScalarLevels, into dx: Tensor, accumulate: Bool
    ) {
        let channels = levels.channels
        precondition(
            dy.count == x.count && dx.count == x.count && x.count % channels == 0,
            "gradient \(dy.shape) of codes of \(x.shape) into \(dx.shape)")
        let gradient = pointer(dy), source = pointer(x), target = pointer(dx)
        split(x.count / channels, grain: max(1, Self.grain / (16 * channels))) { start, count in
            for place in start * channels..<(start + count) * channels {
                let channel = place % channels
                let bounded = tanhf(source[place] + levels.shift[channel])
                let slope = levels.half[channel] / Float(levels.levels[channel] / 2)
                let value = gradient[place] * (1 - bounded * bounded) * slope
                target[place] = accumulate ? target[place] + value : value
            }
        }
    }
}
