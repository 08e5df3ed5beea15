import Foundation
import Tensor

/// The formulas of the operations, one number at a time in double precision.
enum Reference {
    /// `a b` for row-major `[m, k]` and `[k, n]`.
    static func product(_ a: [Float], _ b: [Float], m: Int, k: Int, n: Int) -> [Double] {
        let right = b.map(Double.init)
        var out = [Double](repeating: 0, count: m * n)
        for i in 0..<m {
            for l in 0..<k {
                let factor = Double(a[i * k + l])
                for j in 0..<n { out[i * n + j] += factor * right[l * n + j] }
            }
        }
        return out
    }

    static func transposed(_ x: [Float], rows: Int, columns: Int) -> [Float] {
        (0..<rows * columns).map { x[$0 % rows * columns + $0 / rows] }
    }

    static func gelu(_ x: Double) -> Double { x * cdf(x) }
    static func geluDerivative(_ x: Double) -> Double { cdf(x) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot() }
    private static func cdf(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

    static func layerNorm(_ x: [Float], weight: [Float], bias: [Float], epsilon: Double) -> [Double] {
        let columns = weight.count
        return stride(from: 0, to: x.count, by: columns).flatMap { start -> [Double] in
            let row = x[start..<start + columns].map(Double.init)
            let mean = row.reduce(0, +) / Double(columns)
            let variance = row.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
            let rstd = 1 / (variance + epsilon).squareRoot()
            return row.indices.map { (row[$0] - mean) * rstd * Double(weight[$0]) + Double(bias[$0]) }
        }
    }

    /// `softmax(scale * row)` where `isVisible` holds, 0 elsewhere.
    static func softmax(_ row: [Double], isVisible: (Int) -> Bool) -> [Double] {
        let peak = row.indices.filter(isVisible).map { row[$0] }.max() ?? 0
        let powers: [Double] = row.indices.map { isVisible($0) ? exp(row[$0] - peak) : 0 }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    /// Multi-head attention of `qkv` `[tokens, 3 width]`; `mask` `[outerCount, length]`, 0 or -inf; `bias`
    /// `[heads, length, length]`.
    static func attention(
        _ qkv: [Float], width: Int, layout: AttentionLayout, mask: [Float]?, bias: [Float]? = nil
    ) -> [Double] {
        let headDim = width / layout.heads
        var out = [Double](repeating: 0, count: layout.tokenCount * width)
        for outer in 0..<layout.outerCount {
            for inner in 0..<layout.innerCount {
                let base = outer * layout.outerStride + inner * layout.innerStride
                let tokens = (0..<layout.length).map { base + $0 * layout.tokenStride }
                for head in 0..<layout.heads {
                    func value(_ token: Int, _ part: Int, _ i: Int) -> Double {
                        Double(qkv[token * 3 * width + part * width + head * headDim + i])
                    }
                    for (row, token) in tokens.enumerated() {
                        let scores = tokens.enumerated().map { column, key -> Double in
                            let product = (0..<headDim).reduce(0.0) { $0 + value(token, 0, $1) * value(key, 1, $1) }
                            let added = bias?[(head * layout.length + row) * layout.length + column] ?? 0
                            let scale = layout.scale.map(Double.init) ?? 1 / Double(headDim).squareRoot()
                            return product * scale + Double(added)
                        }
                        let p = softmax(scores) { key in
                            (!layout.isCausal || key <= row)
                                && (mask.map { $0[outer * layout.length + key] == 0 } ?? true)
                        }
                        for i in 0..<headDim {
                            out[token * width + head * headDim + i] =
                                tokens.indices.reduce(0.0) { $0 + p[$1] * value(tokens[$1], 2, i) }
                        }
                    }
                }
            }
        }
        return out
    }
}
