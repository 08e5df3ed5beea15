/// Folds many numbers to few: each goes to one place with a sign, both drawn by its own place. Distances stay as they are
/// on average (Charikar et al. 2002), so what linear regression reads off the many it reads off enough of the few.
///
/// As many numbers as there are places, or fewer, stay as they are.
package struct RandomFold {
    package let inputs: Int
    package let outputs: Int
    private let places: [Int32]
    private let signs: [Float]

    package init(inputs: Int, outputs: Int, seed: UInt64) {
        precondition(inputs > 0 && outputs > 0, "\(inputs) numbers to \(outputs)")
        self.inputs = inputs
        self.outputs = min(inputs, outputs)
        guard outputs < inputs else {
            places = (0..<inputs).map { Int32($0) }
            signs = [Float](repeating: 1, count: inputs)
            return
        }
        var places: [Int32] = []
        var signs: [Float] = []
        places.reserveCapacity(inputs)
        signs.reserveCapacity(inputs)
        var state = seed
        for _ in 0..<inputs {
            // Weyl sequence, mixed as SplitMix64 does.
            state &+= 0x9E37_79B9_7F4A_7C15
            var bits = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
            bits ^= bits >> 31
            places.append(Int32(Int(bits >> 1) % outputs))
            signs.append(bits & 1 == 0 ? 1 : -1)
        }
        (self.places, self.signs) = (places, signs)
    }

    package func callAsFunction(_ values: ArraySlice<Float>) -> [Double] {
        values.withUnsafeBufferPointer { values in folded(values.count) { values[$0] } }
    }

    /// `values - others`, folded.
    package func callAsFunction(
        _ values: ArraySlice<Float>, minus others: ArraySlice<Float>
    ) -> [Double] {
        precondition(values.count == others.count, "\(values.count) and \(others.count) numbers")
        return values.withUnsafeBufferPointer { values in
            others.withUnsafeBufferPointer { others in folded(values.count) { values[$0] - others[$0] } }
        }
    }

    @inline(__always)
    private func folded(_ count: Int, _ value: (Int) -> Float) -> [Double] {
        precondition(count == inputs, "\(count) numbers for \(inputs)")
        var result = [Double](repeating: 0, count: outputs)
        result.withUnsafeMutableBufferPointer { result in
            places.withUnsafeBufferPointer { places in
                signs.withUnsafeBufferPointer { signs in
                    for place in 0..<count { result[Int(places[place])] += Double(signs[place] * value(place)) }
                }
            }
        }
        return result
    }
}
