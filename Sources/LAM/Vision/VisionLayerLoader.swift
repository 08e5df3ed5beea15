import Formats
import Frozen
import Tensor

/// Puts layers of a vision transformer on a backend.
struct VisionLayerLoader {
    let backend: any Backend
    /// What matrices are kept as: where products round them anyway, half the memory holds the same values.
    let weightType: DType

    /// A matrix `[rows, columns]`.
    func matrix(_ elements: [Float], _ shape: [Int]) -> Tensor {
        let exact = backend.tensor(elements, shape)
        guard weightType != .f32 else { return exact }
        let rounded = backend.empty(shape, weightType)
        backend.cast(exact, into: rounded)
        return rounded
    }

    func norm(
        _ reader: inout VisionWeightReader, _ name: String, width: Int, epsilon: Float
    ) throws(FormatError) -> FrozenNorm {
        FrozenNorm(
            weight: backend.tensor(try reader.floats("\(name).weight", [width]), [width]),
            bias: backend.tensor(try reader.floats("\(name).bias", [width]), [width]), epsilon: epsilon)
    }

    /// - Parameters:
    ///   - stored: the weight's shape in the file where it is not `[out, in]`.
    ///   - gammaNames: what the LayerScale that follows the layer is called; it becomes part of weight and bias.
    func linear(
        _ reader: inout VisionWeightReader, _ name: String, out: Int, in inputs: Int, stored: [Int]? = nil,
        scaledBy gammaNames: [String]? = nil
    ) throws(FormatError) -> LinearMap {
        var weight = try reader.floats("\(name).weight", stored ?? [out, inputs])
        var bias = try reader.floats("\(name).bias", [out])
        if let gammaNames {
            let gamma = try reader.floats(gammaNames[0], aliases: Array(gammaNames.dropFirst()), [out])
            // SAFETY: the buffer is used within the closure only, below its `out * inputs` elements.
            weight.withUnsafeMutableBufferPointer { weight in
                for row in 0..<out {
                    for index in row * inputs..<(row + 1) * inputs { weight[index] *= gamma[row] }
                    bias[row] *= gamma[row]
                }
            }
        }
        return LinearMap(weight: matrix(weight, [out, inputs]), bias: backend.tensor(bias, [out]))
    }
}
