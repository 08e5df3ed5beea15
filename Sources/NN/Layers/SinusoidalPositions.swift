import Foundation
import Tensor

/// The sinusoidal position table of Vaswani et al. 2017: a constant, not part of the state dict.
public final class SinusoidalPositions {
    private let width: Int
    private var tables: [Int: Tensor] = [:]

    public init(width: Int) {
        self.width = width
    }

    /// The first `count` rows as `[count, width]`, made once per count.
    public func callAsFunction(_ count: Int, on backend: any Backend) -> Tensor {
        if let table = tables[count] { return table }
        let table = backend.tensor(Self.table(count: count, width: width), [count, width])
        tables[count] = table
        return table
    }

    /// `[count, width]` with `pe[p, 2i] = sin(p w_i)`, `pe[p, 2i+1] = cos(p w_i)`, `w_i = e^(-2i ln(10000) / width)`,
    /// each step in float32 as the original computes it (SPEC_LAM §2.3).
    public static func table(count: Int, width: Int) -> [Float] {
        let slope = Float(-(log(10000.0) / Double(width)))
        var table = [Float](repeating: 0, count: count * width)
        for position in 0..<count {
            for pair in 0..<(width + 1) / 2 {
                let angle = Float(position) * expf(Float(2 * pair) * slope)
                table[position * width + 2 * pair] = sinf(angle)
                if 2 * pair + 1 < width { table[position * width + 2 * pair + 1] = cosf(angle) }
            }
        }
        return table
    }
}
