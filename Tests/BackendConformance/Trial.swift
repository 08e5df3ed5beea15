import Tensor

/// One check on one backend: makes tensors, compares results, and writes down what differs.
///
/// Every tensor is a view between elements that nothing may touch, one element off all alignments.
package final class Trial {
    package let backend: any Backend
    package private(set) var failures: [String] = []
    /// What is being compared, in front of failures.
    package var context = ""
    /// What is to be compared once all operations were asked for: a backend may run them all at once.
    private var expectations: [Expectation] = []
    private var guarded: [(whole: Tensor, view: Tensor, unchanged: [Float]?, context: String)] = []

    private struct Expectation {
        /// The elements as they were.
        let got: Tensor
        let expected: [Double]
        let tolerance: Double
        let name: String
        let context: String
    }

    /// Around every tensor; exact in all types.
    private static let sentinel: Float = 77

    package init(_ backend: any Backend) {
        self.backend = backend
    }

    // MARK: Tensors

    /// A tensor that operations only read.
    package func input(_ values: [Float], _ shape: [Int], _ type: DType = .f32) -> Tensor {
        guarded(values, shape, type, isInput: true)
    }

    /// A tensor that operations write to or add to.
    ///
    /// - Parameter values: what it holds before; nil for NaN, which nothing may let through.
    package func output(_ shape: [Int], _ type: DType = .f32, holding values: [Float]? = nil) -> Tensor {
        let values = values ?? [Float](repeating: type == .i32 || type == .u8 ? 99 : .nan, count: shape.product)
        return guarded(values, shape, type, isInput: false)
    }

    private func guarded(_ values: [Float], _ shape: [Int], _ type: DType, isInput: Bool) -> Tensor {
        precondition(values.count == shape.product, "\(values.count) values for \(shape)")
        let whole = backend.empty([values.count + 2], type)
        upload([Self.sentinel] + values + [Self.sentinel], to: whole)
        let view = whole.range(1, values.count).reshaped(shape)
        guarded.append((whole, view, isInput ? self.values(view) : nil, context))
        return view
    }

    private func upload(_ values: [Float], to tensor: Tensor) {
        switch tensor.dtype {
        case .f32: values.withUnsafeBytes { backend.upload($0, to: tensor) }
        case .bf16: values.map(BrainFloatBits.rounded).withUnsafeBytes { backend.upload($0, to: tensor) }
        case .f64: values.map(Double.init).withUnsafeBytes { backend.upload($0, to: tensor) }
        case .i32: values.map { Int32($0) }.withUnsafeBytes { backend.upload($0, to: tensor) }
        case .u8: values.map { UInt8($0) }.withUnsafeBytes { backend.upload($0, to: tensor) }
        }
    }

    /// The elements of a tensor of any type.
    package func values(_ tensor: Tensor) -> [Float] {
        func download<Element>(_ zero: Element, _ value: (Element) -> Float) -> [Float] {
            var elements = [Element](repeating: zero, count: tensor.count)
            elements.withUnsafeMutableBytes { backend.download(tensor, into: $0) }
            return elements.map(value)
        }
        switch tensor.dtype {
        case .f32: return download(Float(0)) { $0 }
        case .bf16: return download(UInt16(0), BrainFloatBits.widened)
        case .f64: return download(0.0) { Float($0) }
        case .i32: return download(Int32(0)) { Float($0) }
        case .u8: return download(UInt8(0)) { Float($0) }
        }
    }

    // MARK: Expectations

    package func fail(_ what: String) { failures.append("\(context): \(what)") }

    package func expect(_ condition: Bool, _ what: @autoclosure () -> String) {
        if !condition { fail(what()) }
    }

    /// Expects `|got - expected| <= tolerance * max(1, max |expected|)` for every element; infinities must be equal, and a
    /// number that is not one must be none.
    package func expect(_ got: Tensor, _ expected: [Double], within tolerance: Double, _ name: String) {
        let snapshot = backend.empty(got.shape, got.dtype)
        let whole = BlockCopy(blocks: 1, length: got.count, sourceStride: 0, targetStride: 0)
        backend.copy(whole, from: got, to: snapshot, accumulate: false)
        expectations.append(
            Expectation(got: snapshot, expected: expected, tolerance: tolerance, name: name, context: context))
    }

    /// Expects the same numbers.
    package func expect(_ got: Tensor, equals expected: [Float], _ name: String) {
        expect(got, expected.map(Double.init), within: 0, name)
    }

    /// Compares what is to be compared; looks at what surrounds the tensors of this trial, and at what was only to be read.
    package func finish() {
        for item in expectations {
            context = item.context
            if let difference = Closeness.difference(values(item.got), item.expected, tolerance: item.tolerance) {
                fail("\(item.name): \(difference)")
            }
        }
        expectations = []
        for (whole, view, unchanged, context) in guarded {
            self.context = context
            let around = values(whole)
            let isWhole = around.first == Self.sentinel && around.last == Self.sentinel
            expect(isWhole, "an element beside \(view.dtype) \(view.shape) was written")
            guard let unchanged else { continue }
            let isSame = zip(values(view), unchanged).allSatisfy { $0.bitPattern == $1.bitPattern }
            expect(isSame, "an input \(view.dtype) \(view.shape) was changed")
        }
        guarded = []
    }
}
