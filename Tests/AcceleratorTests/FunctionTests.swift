import StableHLO
import Testing

@Suite("Programs while they are written")
struct FunctionTests {
    /// `relu(a b + c)` and its sum.
    private func function(columns: Int = 4) -> (function: Function, results: [Value]) {
        var function = Function()
        let a = function.argument(TensorType(.f32, [2, 3])), b = function.argument(TensorType(.f32, [3, columns]))
        let product = function.dot(a, b, DotAxes(contracted: ([1], [0])), to: .f32)
        let c = function.argument(TensorType(.f32, [columns]))
        let sum = function.add(product, function.broadcast(lastAxis: c, to: product.shape))
        let positive = function.binary(.maximum, sum, 0)
        let total = function.sum(positive, axes: [0, 1])
        return (function, [positive, total])
    }

    @Test("the text has one operation in a line, with types")
    func text() {
        let (function, results) = function()
        let zeros = "0x00000000"
        #expect(
            function.text(results: results, given: [1: 0]) == """
                module @program {
                  func.func public @main(%a0: tensor<2x3xf32>, %a1: tensor<3x4xf32> {tf.aliasing_output = 0 : i32}, %a2: tensor<4xf32>) -> (tensor<2x4xf32>, tensor<f32>) {
                    %2 = stablehlo.dot_general %a0, %a1, contracting_dims = [1] x [0], precision = [HIGHEST, HIGHEST] : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
                    %4 = stablehlo.broadcast_in_dim %a2, dims = [1] : (tensor<4xf32>) -> tensor<2x4xf32>
                    %5 = stablehlo.add %2, %4 : tensor<2x4xf32>
                    %6 = stablehlo.constant dense<\(zeros)> : tensor<2x4xf32>
                    %7 = stablehlo.maximum %5, %6 : tensor<2x4xf32>
                    %8 = stablehlo.constant dense<\(zeros)> : tensor<f32>
                    %9 = stablehlo.reduce(%7 init: %8) applies stablehlo.add across dimensions = [0, 1] : (tensor<2x4xf32>, tensor<f32>) -> tensor<f32>
                    return %7, %9 : tensor<2x4xf32>, tensor<f32>
                  }
                }

                """)
    }

    @Test("functions are equal exactly when their texts are")
    func equality() {
        let (first, results) = function(), (again, _) = function(), (other, otherResults) = function(columns: 5)
        #expect(first == again && first.hashValue == again.hashValue)
        #expect(first != other)
        #expect(first.text(results: results) != other.text(results: otherResults))
    }

    @Test("what changes nothing is no operation, and a constant is written once")
    func savings() {
        var function = Function()
        let x = function.argument(TensorType(.f32, [2, 3]))
        #expect(function.reshape(x, [2, 3]) == x)
        #expect(function.transpose(x, [0, 1]) == x)
        #expect(function.convert(x, to: .f32) == x)
        #expect(function.slice(x, axis: 1, 0..<3) == x)
        #expect(function.concatenate([x], axis: 0) == x)
        #expect(function.constant(1, .bf16, [2]) == function.constant(bits: 0x3f80, .bf16, [2]))
        #expect(function.count == 2)
    }

    @Test("shapes follow from operands")
    func shapes() {
        var function = Function()
        let x = function.argument(TensorType(.bf16, [2, 5, 3])), y = function.argument(TensorType(.bf16, [2, 7, 3]))
        let scores = function.dot(x, y, DotAxes(batch: ([0], [0]), contracted: ([2], [2])), to: .f32)
        #expect(scores.type == TensorType(.f32, [2, 5, 7]))
        let frames = function.argument(TensorType(.f32, [1, 8, 9, 4])),
            filter = function.argument(
                TensorType(.f32, [6, 4, 3, 3]))
        let window = ConvolutionWindow(strides: [2, 1], low: [1, 1], high: [0, 1])
        #expect(function.convolve(frames, filter, window, to: .f32).shape == [1, 4, 9, 6])
        #expect(function.concatenate([x, y], axis: 1).shape == [2, 12, 3])
        #expect(function.slice(x, starts: [0, 1, 0], ends: [2, 5, 3], strides: [1, 2, 1]).shape == [2, 2, 3])
    }
}
