import StableHLO
import Tensor

/// Code lookup, row tables, image patches, rotations.
extension RecordingBackend {
    public func nearestCodes(_ x: Tensor, codebook: Tensor, into indices: Tensor) {
        let width = codebook.shape.last ?? 0, codes = codebook.shape[0]
        precondition(x.count == indices.count * width && codes > 0, "codes \(codebook.shape) for \(x.shape)")
        record { r in
            let shape = [indices.count, codes, width]
            let rows = r.function.broadcast(
                r.function.reshape(r.floats(x), [indices.count, width]), to: shape, axes: [0, 2])
            let table = r.function.broadcast(r.floats(codebook), to: shape, axes: [1, 2])
            let difference = r.function.convert(r.function.subtract(rows, table), to: .f64)
            let squares = r.function.sum(lastAxisOf: r.function.multiply(difference, difference))
            // The root is the original's distance: two squares may round to one root, a tie for the lower index.
            let distances = r.function.unary(.sqrt, r.function.convert(squares, to: .f32))
            r.write(r.function.lowestIndexOfMinimum(distances), to: indices)
        }
    }

    public func gatherRows(_ table: Tensor, indices: Tensor, into out: Tensor) {
        let width = table.shape.last ?? 0
        precondition(out.count == indices.count * width, "rows of \(table.shape) at \(indices.shape) into \(out.shape)")
        guard out.count > 0 else { return }
        record { r in
            let places = r.function.reshape(r.read(indices), [indices.count])
            r.write(r.function.gatherRows(r.matrix(table), places), to: out)
        }
    }

    public func scatterAddRows(_ rows: Tensor, indices: Tensor, to table: Tensor) {
        let width = table.shape.last ?? 0
        precondition(rows.count == indices.count * width, "rows \(rows.shape) at \(indices.shape) to \(table.shape)")
        guard rows.count > 0 else { return }
        record { r in
            let places = r.function.reshape(r.read(indices), [indices.count])
            let updates = r.function.reshape(r.read(rows), [indices.count, width])
            r.write(r.function.scatterAddRows(r.matrix(table), places, updates), to: table)
        }
    }

    public func patchify(_ images: Tensor, patchSize: Int, mean: [Float], std: [Float], into out: Tensor) {
        precondition(
            images.dtype == .u8 && images.shape.count >= 3, "images are u8 [..., 3, H, W], got \(images.shape)")
        let (height, width) = (images.shape[images.shape.count - 2], images.shape[images.shape.count - 1])
        precondition(
            images.shape[images.shape.count - 3] == 3 && height % patchSize == 0 && width % patchSize == 0
                && out.count == images.count,
            "images \(images.shape) in patches of \(patchSize) into \(out.shape)")
        let count = images.count / (3 * height * width)
        record { r in
            let pixels = r.function.reshape(
                r.floats(images), [count, 3, height / patchSize, patchSize, width / patchSize, patchSize])
            // (u8 / 255 - mean) / std as one multiplication and addition.
            let factor = r.function.vector(std.map { 1 / (255 * $0) })
            let shift = r.function.vector(zip(mean, std).map { -$0 / $1 })
            let scaled = r.function.multiply(pixels, r.function.broadcast(factor, to: pixels.shape, axes: [1]))
            let moved = r.function.add(scaled, r.function.broadcast(shift, to: pixels.shape, axes: [1]))
            r.write(r.function.transpose(moved, [0, 2, 4, 1, 3, 5]), to: out)
        }
    }

    public func rotate(_ qkv: Tensor, cosines: Tensor, sines: Tensor, length: Int, heads: Int) {
        let half = cosines.shape.last ?? 0, tripleWidth = qkv.shape.last ?? 0
        let positions = half == 0 ? 0 : cosines.count / half
        precondition(
            half > 0 && tripleWidth == 3 * heads * 2 * half && qkv.count % (length * tripleWidth) == 0
                && positions <= length && sines.shape == cosines.shape,
            "rotation of \(qkv.shape) in \(heads) heads, sequences of \(length), by \(cosines.shape)")
        let sequences = qkv.count / (length * tripleWidth)
        record { r in
            let whole = r.function.reshape(r.read(qkv), [sequences, length, 3, heads, 2, half])
            let tokens = r.function.slice(whole, axis: 1, length - positions..<length)
            let turned = r.function.convert(r.function.slice(tokens, axis: 2, 0..<2), to: .f32)
            let a = r.function.slice(turned, axis: 4, 0..<1), b = r.function.slice(turned, axis: 4, 1..<2)
            func angles(_ table: Tensor) -> Value {
                let rows = r.function.reshape(r.floats(table), [positions, half])
                return r.function.broadcast(rows, to: a.shape, axes: [1, 5])
            }
            let (c, s) = (angles(cosines), angles(sines))
            let first = r.function.subtract(r.function.multiply(a, c), r.function.multiply(b, s))
            let second = r.function.add(r.function.multiply(b, c), r.function.multiply(a, s))
            let halves = r.function.convert(r.function.concatenate([first, second], axis: 4), to: whole.element)
            let withValues = r.function.concatenate([halves, r.function.slice(tokens, axis: 2, 2..<3)], axis: 2)
            let before = r.function.slice(whole, axis: 1, 0..<length - positions)
            r.write(r.function.concatenate([before, withValues], axis: 1), to: qkv)
        }
    }
}

extension Function {
    /// A few numbers, each of which becomes a constant of its own.
    mutating func vector(_ numbers: [Float]) -> Value {
        let parts = numbers.map { constant(Double($0), .f32, [1]) }
        return concatenate(parts, axis: 0)
    }

    /// Of each row of `[n, K]`, i32; 0 where no number is the smallest.
    mutating func lowestIndexOfMinimum(_ x: Value) -> Value {
        let least = broadcast(allButLastAxis: reduce(x, .minimum, axes: [1]), to: x.shape)
        let places = iota(.i32, x.shape, axis: 1), none = constant(Double(x.shape[1]), .i32, x.shape)
        let first = reduce(select(compare(x, .equal, least), places, none), .minimum, axes: [1])
        let isNone = compare(first, .equal, constant(Double(x.shape[1]), .i32, first.shape))
        return select(isNone, constant(0, .i32, first.shape), first)
    }
}
