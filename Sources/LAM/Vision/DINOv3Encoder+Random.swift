import Formats
import Foundation
import Randomness

extension DINOv3Encoder {
    /// Weights of an untrained network: for tests, and for measuring speed without a download.
    ///
    /// Matrices and tokens are normal with deviation 0.02, matrices that end a branch of block i divided by
    /// `sqrt(2 (i + 1))`; biases are 0, norms 1 and LayerScale 1e-5.
    ///
    /// - Parameter seed: each tensor draws from a stream of its own.
    public static func randomWeights(_ sizes: VisionTransformerSizes = .vitB16, seed: UInt64) -> WeightFile {
        var tensors: [(name: String, tensor: StoredTensor)] = []
        func constant(_ name: String, _ shape: [Int], _ value: Float) {
            let values = [Float](repeating: value, count: shape.reduce(1, *))
            tensors.append((name, StoredTensor(floats: values, shape: shape)))
        }
        func normal(_ name: String, _ shape: [Int], _ deviation: Double = 0.02) {
            var generator = RandomGenerator(seed: seed, purpose: "initialize \(name)")
            let count = shape.reduce(1, *)
            // SAFETY: pairs fill the elements below `count`, and one more where that is odd.
            let values = [Float](unsafeUninitializedCapacity: count + 1) { buffer, initialized in
                for index in stride(from: 0, to: count, by: 2) {
                    let (first, second) = generator.normalPair()
                    buffer[index] = Float(deviation * first)
                    buffer[index + 1] = Float(deviation * second)
                }
                initialized = count
            }
            tensors.append((name, StoredTensor(floats: values, shape: shape)))
        }
        func norm(_ name: String) {
            constant("\(name).weight", [sizes.width], 1)
            constant("\(name).bias", [sizes.width], 0)
        }
        let width = sizes.width
        normal("cls_token", [1, 1, width])
        normal("reg_token", [1, sizes.registers, width])
        normal("patch_embed.proj.weight", [width, 3, sizes.patchSize, sizes.patchSize])
        constant("patch_embed.proj.bias", [width], 0)
        for index in 0..<sizes.depth {
            let block = "blocks.\(index)"
            let last = 0.02 / (2 * Double(index + 1)).squareRoot()
            constant("\(block).gamma_1", [width], 1e-5)
            constant("\(block).gamma_2", [width], 1e-5)
            norm("\(block).norm1")
            normal("\(block).attn.qkv.weight", [3 * width, width])
            normal("\(block).attn.proj.weight", [width, width], last)
            constant("\(block).attn.proj.bias", [width], 0)
            norm("\(block).norm2")
            normal("\(block).mlp.fc1.weight", [sizes.hidden, width])
            constant("\(block).mlp.fc1.bias", [sizes.hidden], 0)
            normal("\(block).mlp.fc2.weight", [width, sizes.hidden], last)
            constant("\(block).mlp.fc2.bias", [width], 0)
        }
        norm("norm")
        return WeightFile(source: "random weights", tensors: tensors)
    }
}
