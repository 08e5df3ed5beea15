import Foundation
import Tensor

extension BackendConformance {
    /// Each function with its formula and its slope, and a number that its values are moved by so that it is defined.
    private static let elementFunctions:
        [(
            function: ElementFunction, value: @Sendable (Double) -> Double, slope: @Sendable (Double) -> Double,
            lift: Float
        )] = [
            (.exp, { exp($0) }, { exp($0) }, 0), (.log, { log($0) }, { 1 / $0 }, 3),
            (.squareRoot, { $0.squareRoot() }, { 0.5 / $0.squareRoot() }, 3),
            (.reciprocal, { 1 / $0 }, { -1 / ($0 * $0) }, 3), (.tanh, { tanh($0) }, { 1 - pow(tanh($0), 2) }, 0),
            (.silu, { $0 / (1 + exp(-$0)) }, { (1 + exp(-$0) * (1 + $0)) / pow(1 + exp(-$0), 2) }, 0),
            (.relu, { max(0, $0) }, { $0 > 0 ? 1 : 0 }, 0),
            (.clamp(low: -0.5, high: 0.75), { min(max($0, -0.5), 0.75) }, { abs($0 - 0.125) <= 0.625 ? 1 : 0 }, 0),
            (.affine(factor: -2, offset: 0.5), { 0.5 - 2 * $0 }, { _ in -2 }, 0),
            (.absolute, { abs($0) }, { $0 > 0 ? 1 : $0 < 0 ? -1 : 0 }, 0),
            (
                .smoothAbsolute(beta: 0.25), { abs($0) < 0.25 ? 2 * $0 * $0 : abs($0) - 0.125 },
                { abs($0) < 0.25 ? 4 * $0 : $0 > 0 ? 1 : -1 }, 0
            ),
        ]

    static let functions = [
        BackendConformance("functions of elements and their slopes, written or added") { trial in
            for (function, value, slope, lift) in elementFunctions {
                for count in [0] + lengths {
                    trial.context = "\(function) of \(count)"
                    let x = Samples.floats(count, "x").map { $0 + lift }
                    let (upstream, start) = (Samples.floats(count, "upstream"), Samples.floats(count, "start"))
                    let input = trial.input(x, [count]), out = trial.output([count])
                    trial.backend.apply(function, to: input, into: out)
                    trial.expect(out, x.map { value(Double($0)) }, within: Self.rounding * 4, "value")
                    for accumulates in [false, true] {
                        let gradient = trial.output([count], holding: accumulates ? start : nil)
                        trial.backend.applyBackward(
                            function, trial.input(upstream, [count]), x: input, y: out, into: gradient,
                            accumulate: accumulates)
                        let expected = x.indices.map {
                            Double(upstream[$0]) * slope(Double(x[$0])) + (accumulates ? Double(start[$0]) : 0)
                        }
                        trial.expect(gradient, expected, within: Self.rounding * 8, "gradient, added: \(accumulates)")
                    }
                }
            }
            trial.context = "at the edges"
            let edges = trial.input([0, -0.5, 0.75, 0], [4]), out = trial.output([4]), slope = trial.output([4])
            trial.backend.apply(.squareRoot, to: trial.input([0, 4, 0, 0], [4]), into: out)
            trial.backend.applyBackward(
                .squareRoot, trial.input([1, 1, 5, 0], [4]), x: trial.input([0, 4, 0, 0], [4]), y: out, into: slope,
                accumulate: false)
            trial.expect(slope, equals: [0, 0.25, 0, 0], "slopes of square roots at 0")
            trial.backend.applyBackward(
                .clamp(low: -0.5, high: 0.75), trial.input([1, 1, 1, 1], [4]), x: edges, y: edges, into: slope,
                accumulate: false)
            trial.expect(slope, equals: [1, 1, 1, 1], "bounds have a gradient")
        },
        BackendConformance("rows are scaled by numbers of their own, and multiplied with each other") { trial in
            for (rows, width) in [(1, 1), (7, 5), (300, 33), (2, 20_000), (4097, 1)] {
                trial.context = "\(rows) rows of \(width)"
                let (a, b) = (Samples.floats(rows * width, "a"), Samples.floats(rows * width, "b"))
                let factors = Samples.floats(rows, "factors")
                let (x, y) = (trial.input(a, [rows, width]), trial.input(b, [rows, width]))
                for accumulates in [false, true] {
                    let out = trial.output([rows, width], holding: accumulates ? b : nil)
                    trial.backend.scaleRows(
                        x, by: trial.input(factors, [rows]), into: out, accumulate: accumulates)
                    let expected = a.indices.map {
                        Double(a[$0]) * Double(factors[$0 / width]) + (accumulates ? Double(b[$0]) : 0)
                    }
                    trial.expect(out, expected, within: Self.rounding, "scaled, added: \(accumulates)")
                }
                let products = trial.output([rows])
                trial.backend.rowProducts(x, y, into: products)
                let expected = (0..<rows).map { row in
                    (row * width..<(row + 1) * width).reduce(0.0) { $0 + Double(a[$1]) * Double(b[$1]) }
                }
                trial.expect(products, expected, within: Self.sums, "products")
            }
        },
        BackendConformance("a softmax sums to one whatever its size, and so do its gradients to zero") { trial in
            for (rows, width, factor) in [(1, 1, 1), (5, 7, 1), (33, 100, 3), (2, 4097, 1), (3, 16, 300)] {
                trial.context = "\(rows) rows of \(width), times \(factor)"
                let x = Samples.floats(rows * width, "x").map { $0 * Float(factor) }
                let (upstream, start) = (Samples.floats(x.count, "upstream"), Samples.floats(x.count, "start"))
                let out = trial.output([rows, width])
                trial.backend.softmax(trial.input(x, [rows, width]), into: out)
                let expected = (0..<rows).flatMap { row -> [Double] in
                    let values = x[row * width..<(row + 1) * width].map(Double.init)
                    let largest = values.max() ?? 0
                    let powers = values.map { exp($0 - largest) }
                    return powers.map { $0 / powers.reduce(0, +) }
                }
                trial.expect(out, expected, within: Self.sums, "probabilities")
                let got = trial.values(out).map(Double.init)
                for accumulates in [false, true] {
                    let gradient = trial.output([rows, width], holding: accumulates ? start : nil)
                    trial.backend.softmaxBackward(
                        trial.input(upstream, [rows, width]), y: out, into: gradient, accumulate: accumulates)
                    let slopes = got.indices.map { place -> Double in
                        let row = place / width * width..<(place / width + 1) * width
                        let mean = row.reduce(0) { $0 + got[$1] * Double(upstream[$1]) }
                        return got[place] * (Double(upstream[place]) - mean)
                            + (accumulates ? Double(start[place]) : 0)
                    }
                    trial.expect(gradient, slopes, within: Self.sums, "gradient, added: \(accumulates)")
                }
            }
        },
        BackendConformance("scalar quantisation rounds bounded channels, and its gradient passes the rounding") {
            trial in
            for (levels, bound) in [([8, 5, 5, 5], ScalarLevels.Bound.paper), ([5, 3, 4], .atanh), ([2], .paper)] {
                let table = ScalarLevels(levels, bound: bound)
                for rows in [1, 17, 5000] {
                    trial.context = "\(rows) rows of \(levels), \(bound)"
                    let channels = levels.count
                    let x = Samples.floats(rows * channels, "x").map { $0 * 2 }
                    let input = trial.input(x, [rows, channels])
                    let codes = trial.output([rows, channels]), indices = trial.output([rows], .i32)
                    trial.backend.scalarCodes(input, table, into: codes, indices: indices)
                    let upstream = Samples.floats(x.count, "upstream"), start = Samples.floats(x.count, "start")
                    var (slopes, expected, uncertain) = ([Double](), [Double](), Set<Int>())
                    for (place, value) in x.enumerated() {
                        let channel = place % channels, step = Double(levels[channel] / 2)
                        let bounded = tanh(Double(value) + Double(table.shift[channel]))
                        let position = bounded * Double(table.half[channel]) - Double(table.offset[channel])
                        let rounded = position.rounded(.toNearestOrEven)
                        // A value this near to an edge may fall on either side of it in f32.
                        if abs(abs(position - rounded) - 0.5) < 1e-5 { uncertain.insert(place) }
                        expected.append(rounded / step)
                        slopes.append((1 - bounded * bounded) * Double(table.half[channel]) / step)
                    }
                    let got = trial.values(codes)
                    for place in got.indices where !uncertain.contains(place) {
                        trial.expect(
                            abs(Double(got[place]) - expected[place]) < 1e-6, "code \(got[place]) at \(x[place])")
                    }
                    let book = table.codebook
                    let looked = trial.values(indices).flatMap { index in
                        book[Int(index) * channels..<(Int(index) + 1) * channels]
                    }
                    trial.expect(looked == got, "indices do not lead to the codes")
                    for accumulates in [false, true] {
                        let gradient = trial.output([rows, channels], holding: accumulates ? start : nil)
                        trial.backend.scalarCodesBackward(
                            trial.input(upstream, [rows, channels]), x: input, table, into: gradient,
                            accumulate: accumulates)
                        let wanted = slopes.indices.map {
                            slopes[$0] * Double(upstream[$0]) + (accumulates ? Double(start[$0]) : 0)
                        }
                        trial.expect(gradient, wanted, within: 4e-6, "gradient, added: \(accumulates)")
                    }
                }
            }
        },
    ]
}
