/// Weights that turn a line of `input` pixels into a line of `output` pixels: a triangle filter whose support grows
/// with the reduction, so that reducing averages over everything between two output pixels (antialiasing).
///
/// Output pixel `i` is centred on `c = (i + 0.5) · s` with `s = input / output`; input pixel `j` has the weight
/// `max(0, 1 − |j + 0.5 − c| / max(s, 1))`, normalised to sum 1. Weights are integers with 22 fractional bits and sums
/// are rounded to 8 bits, the arithmetic of Pillow's 8-bit resampling, which torchvision uses.
struct ResizeTable: Sendable {
    static let fractionBits: Int32 = 22

    let input: Int
    let output: Int
    /// Weights per output pixel; unused ones at the end are 0.
    let taps: Int
    /// First input pixel of every output pixel; `firsts[i] + counts[i] <= input`.
    let firsts: [Int]
    let counts: [Int]
    /// `[output, taps]`
    let weights: [Int32]

    /// - Precondition: both sizes are positive.
    init(input: Int, output: Int) {
        precondition(input > 0 && output > 0, "cannot resize \(input) pixels to \(output)")
        let scale = Double(input) / Double(output)
        let support = max(scale, 1)
        let taps = Int(support.rounded(.up)) * 2 + 1
        var firsts: [Int] = []
        var counts: [Int] = []
        var weights = [Int32](repeating: 0, count: output * taps)
        for i in 0..<output {
            let center = (Double(i) + 0.5) * scale
            let first = max(0, Int(center - support + 0.5))
            let count = min(input, Int(center + support + 0.5)) - first
            let line = (0..<count).map { tap in
                max(0, 1 - abs((Double(first + tap) - center + 0.5) / support))
            }
            let sum = line.reduce(0, +)
            for (tap, weight) in line.enumerated() {
                weights[i * taps + tap] = Int32(weight / sum * Double(1 << Self.fractionBits) + 0.5)
            }
            firsts.append(first)
            counts.append(count)
        }
        (self.input, self.output, self.taps) = (input, output, taps)
        (self.firsts, self.counts, self.weights) = (firsts, counts, weights)
    }
}
