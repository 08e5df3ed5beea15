import Foundation
import Tensor

extension BackendConformance {
    static let tables = [
        BackendConformance("the nearest code wins, and the lowest of several equally near") { trial in
            let tie = trial.output([4], .i32)
            trial.backend.nearestCodes(
                trial.input([0, 0, 0.9, 0, -0.5, 0.5, 0, 2], [4, 2]),
                codebook: trial.input([1, 0, -1, 0, 0, 1, 1, 0], [4, 2]), into: tie)
            trial.expect(tie, equals: [0, 0, 1, 2], "ties")
            for (rows, codes, width) in [(1, 1, 1), (7, 3, 5), (33, 16, 32), (500, 40, 17)] {
                let x = Samples.floats(rows * width, "x"), table = Samples.floats(codes * width, "codes")
                let indices = trial.output([rows], .i32)
                trial.backend.nearestCodes(
                    trial.input(x, [rows, width]), codebook: trial.input(table, [codes, width]), into: indices)
                let expected = (0..<rows).map { row -> Float in
                    let distances = (0..<codes).map { code in
                        (0..<width).reduce(0.0) {
                            $0 + pow(Double(x[row * width + $1]) - Double(table[code * width + $1]), 2)
                        }
                    }
                    return Float(distances.indices.min { distances[$0] < distances[$1] } ?? 0)
                }
                trial.expect(indices, equals: expected, "\(rows) rows, \(codes) codes")
            }
        },
        BackendConformance("rows are gathered, and added in the order of their indices") { trial in
            for (rows, count, width) in [(3, 1, 1), (5, 9, 3), (16, 300, 33), (4, 0, 2)] {
                trial.context = "\(count) of \(rows) rows of \(width)"
                let table = Samples.floats(rows * width, "table"), upstream = Samples.floats(count * width, "rows")
                let index = (0..<count).map { $0 * 7 % rows }
                let indices = trial.input(index.map { Float($0) }, [count], .i32)
                let out = trial.output([count, width])
                trial.backend.gatherRows(trial.input(table, [rows, width]), indices: indices, into: out)
                trial.expect(out, equals: index.flatMap { table[$0 * width..<($0 + 1) * width] }, "gathered")
                let sums = trial.output([rows, width], holding: table)
                trial.backend.scatterAddRows(trial.input(upstream, [count, width]), indices: indices, to: sums)
                var expected = table
                for place in upstream.indices {
                    expected[index[place / width] * width + place % width] += upstream[place]
                }
                trial.expect(sums, equals: expected, "added")
            }
        },
        BackendConformance("occurrences are counted, of numbers that do not occur, too") { trial in
            for (count, total) in [(1, 5), (16, 256), (300, 40), (4, 0)] {
                let index = (0..<total).map { $0 * $0 % count }
                let indices = trial.input(index.map { Float($0) }, [total], .i32)
                let expected = (0..<count).map { code in Float(index.count { $0 == code }) }
                trial.expect(
                    trial.backend.occurrences(of: indices, count: count), equals: expected, "\(total) of \(count)")
            }
        },
        BackendConformance("patches hold channel, row, column of their square, normalised") { trial in
            let mean: [Float] = [0.5, 0.25, 0.1], deviation: [Float] = [0.2, 0.5, 1]
            for (count, height, width, patch) in [
                (1, 4, 6, 2), (2, 15, 5, 5), (3, 9, 3, 1), (1, 34, 17, 17), (2, 8, 8, 8),
            ] {
                let image = (0..<count * 3 * height * width).map {
                    Float(UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 3))
                }
                let out = trial.output([count, image.count / count])
                trial.backend.patchify(
                    trial.input(image, [count, 3, height, width], .u8), patchSize: patch, mean: mean, std: deviation,
                    into: out)
                var expected: [Double] = []
                for number in 0..<count {
                    for place in 0..<height / patch * (width / patch) {
                        let (top, left) = (place / (width / patch) * patch, place % (width / patch) * patch)
                        for inside in 0..<3 * patch * patch {
                            let (channel, y, x) = (inside / (patch * patch), inside / patch % patch, inside % patch)
                            let row = (number * 3 + channel) * height + top + y
                            let value = Double(image[row * width + left + x]) / 255
                            expected.append((value - Double(mean[channel])) / Double(deviation[channel]))
                        }
                    }
                }
                trial.expect(out, expected, within: Self.rounding, "\(height) x \(width) in \(patch)")
            }
        },
        BackendConformance("q and k of the last tokens turn by their angles, and nothing else changes") { trial in
            for (sequences, length, positions, heads, half) in [
                (1, 1, 1, 1, 1), (5, 23, 19, 3, 6), (2, 40, 40, 2, 16), (1, 9, 4, 1, 35),
            ] {
                let width = heads * 2 * half, shape = [sequences, length, 3 * width]
                let qkv = Samples.floats(shape.product, "qkv").map(BrainFloatBits.nearest)
                let angles = Samples.floats(positions * half, "angles").map { $0 * 3 }
                let (cosines, sines) = (angles.map { cos($0) }, angles.map { sin($0) })
                for type in [DType.f32, .bf16] {
                    trial.context = "\(sequences) x \(length) tokens, \(heads) x \(2 * half), \(type)"
                    let turned = trial.output(shape, type, holding: qkv)
                    trial.backend.rotate(
                        turned, cosines: trial.input(cosines, [positions, half]),
                        sines: trial.input(sines, [positions, half]), length: length, heads: heads)
                    let expected = qkv.indices.map { index -> Double in
                        let (token, place) = index.quotientAndRemainder(dividingBy: 3 * width)
                        let position = token % length - (length - positions)
                        guard position >= 0, place < 2 * width else { return Double(qkv[index]) }
                        let inside = place % (2 * half), pair = position * half + inside % half
                        let isFirst = inside < half
                        let other = Double(qkv[isFirst ? index + half : index - half])
                        return Double(qkv[index]) * Double(cosines[pair]) + (isFirst ? -1 : 1) * other
                            * Double(sines[pair])
                    }
                    trial.expect(turned, expected, within: type == .f32 ? Self.rounding : halfRounding, "turned")
                    let rest = qkv.indices.filter { index in
                        let (token, place) = index.quotientAndRemainder(dividingBy: 3 * width)
                        return token % length < length - positions || place >= 2 * width
                    }
                    let got = trial.values(turned)
                    trial.expect(rest.allSatisfy { got[$0] == qkv[$0] }, "what has no position was changed")
                }
            }
        },
    ]
}
