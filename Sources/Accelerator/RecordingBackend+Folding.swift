import StableHLO
import Tensor

/// Shortcuts around convolutions: blocks of values as channels, and channels as blocks.
extension RecordingBackend {
    public func addFolded(_ x: Tensor, _ folding: ChannelFolding, leadingZeros: Int, to out: Tensor) {
        let (inputs, outputs) = (x.shape[3], out.shape[3]), block = folding.frames * folding.space * folding.space
        let group = inputs * block / max(outputs, 1)
        precondition(
            x.shape.count == 4 && out.shape.count == 4 && group * outputs == inputs * block
                && x.shape[0] + leadingZeros == out.shape[0] * folding.frames
                && x.shape[1] == out.shape[1] * folding.space && x.shape[2] == out.shape[2] * folding.space,
            "folding \(x.shape) by \(folding) with \(leadingZeros) zero frames into \(out.shape)")
        record { r in
            let zero = r.function.constant(0, .f32)
            let padded = r.function.pad(
                r.floats(x), with: zero, low: [leadingZeros, 0, 0, 0], high: [0, 0, 0, 0])
            let blocks = r.function.reshape(
                padded,
                [
                    out.shape[0], folding.frames, out.shape[1], folding.space, out.shape[2], folding.space, inputs,
                ])
            let channels = r.function.transpose(blocks, [0, 2, 4, 6, 1, 3, 5])
            let groups = r.function.reshape(channels, [out.count, group])
            r.add(r.function.multiply(r.function.sum(lastAxisOf: groups), by: Double(1 / Float(group))), to: out)
        }
    }

    public func addUnfolded(_ x: Tensor, _ folding: ChannelFolding, droppedFrames: Int, to out: Tensor) {
        let (inputs, outputs) = (x.shape[3], out.shape[3]), block = folding.frames * folding.space * folding.space
        let repeats = outputs * block / max(inputs, 1)
        precondition(
            x.shape.count == 4 && out.shape.count == 4 && repeats * inputs == outputs * block
                && x.shape[0] * folding.frames - droppedFrames == out.shape[0]
                && x.shape[1] * folding.space == out.shape[1] && x.shape[2] * folding.space == out.shape[2],
            "unfolding \(x.shape) by \(folding) without \(droppedFrames) frames into \(out.shape)")
        record { r in
            let repeated = r.function.broadcast(r.floats(x), to: x.shape + [repeats], axes: [0, 1, 2, 3])
            let blocks = r.function.reshape(
                repeated, Array(x.shape[..<3]) + [outputs, folding.frames, folding.space, folding.space])
            let values = r.function.transpose(blocks, [0, 4, 1, 5, 2, 6, 3])
            let frames = r.function.reshape(values, [x.shape[0] * folding.frames] + out.shape[1...])
            r.add(r.function.slice(frames, axis: 0, droppedFrames..<frames.shape[0]), to: out)
        }
    }
}
