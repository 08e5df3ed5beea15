import Formats
import LAM
import Randomness
import Tensor
import TestSupport

/// The reference encoders, their weights under other names, and frames for them.
enum VisionFixtures {
    /// Root mean square of what bf16 changes, relative: about twenty roundings of 2e-3 in a row.
    static let roundedFeatures: Float = 2e-2
    /// Heads of the tiny reference networks, whose heads are not 64 wide.
    static let heads = 4

    static func weights(_ path: String) throws -> WeightFile { try WeightFile(path: Goldens.url("lam/\(path)").path) }

    /// Seeded noise, u8 `[1, count, 3, height, width]`.
    static func frames(_ count: Int, _ height: Int, _ width: Int, on backend: any Backend) -> Tensor {
        var generator = RandomGenerator(seed: 5, purpose: "frames")
        let shape = [1, count, 3, height, width]
        return backend.tensor(
            (0..<shape.product).map { _ in UInt8(truncatingIfNeeded: generator.next()) }, shape)
    }

    /// Root mean square of the difference, relative to that of `expected`.
    static func relativeDifference(_ got: [Float], _ expected: [Float]) -> Float {
        let error = zip(got, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        return (error / expected.reduce(0) { $0 + $1 * $1 }).squareRoot()
    }

    /// The same weights with names and tensors changed: nil drops one.
    static func renamed(
        _ weights: WeightFile, _ change: (String, StoredTensor) -> (String, StoredTensor)?
    ) -> WeightFile {
        WeightFile(
            source: "changed weights", tensors: weights.tensors.compactMap { change($0.key, $0.value) })
    }

    /// The same weights with further tensors.
    static func adding(_ name: String, _ tensor: StoredTensor, to weights: WeightFile) -> WeightFile {
        WeightFile(
            source: "changed weights", tensors: weights.tensors.map { ($0.key, $0.value) } + [(name, tensor)])
    }

    /// A DINOv3 whose LayerScale is 1: an untrained network's hides what its blocks compute.
    static func withoutLayerScale(_ weights: WeightFile) -> WeightFile {
        renamed(weights) { name, tensor in
            guard name.contains(".gamma_") else { return (name, tensor) }
            return (name, StoredTensor(floats: [Float](repeating: 1, count: tensor.count), shape: tensor.shape))
        }
    }

    /// timm's names of a DINOv3 as Meta's files have them, with what those have besides: bias of q, k and v with a
    /// mask, rotation periods, mask token.
    static func inMetaFormat(_ weights: WeightFile, kBias: Float = .nan) -> WeightFile {
        var tensors: [(name: String, tensor: StoredTensor)] = [
            ("mask_token", StoredTensor(floats: [0, 0], shape: [1, 2])),
            ("rope_embed.periods", StoredTensor(floats: [1, 3], shape: [2])),
        ]
        for (name, tensor) in weights.tensors where !name.hasSuffix(".v_bias") {
            let parts = name.split(separator: ".")
            let block = parts.dropLast().joined(separator: ".")
            switch parts.last {
            case "reg_token": tensors.append(("storage_tokens", tensor))
            case "gamma_1": tensors.append(("\(block).ls1.gamma", tensor))
            case "gamma_2": tensors.append(("\(block).ls2.gamma", tensor))
            case "q_bias":
                guard let v = weights.tensors["\(block).v_bias"]?.floats() else { continue }
                let k = [Float](repeating: kBias, count: v.count)
                tensors.append(
                    ("\(block).qkv.bias", StoredTensor(floats: tensor.floats() + k + v, shape: [3 * v.count])))
                tensors.append(
                    ("\(block).qkv.bias_mask", StoredTensor(floats: v + v + v, shape: [3 * v.count])))
            default: tensors.append((name, tensor))
            }
        }
        return WeightFile(source: "weights in Meta's format", tensors: tensors)
    }
}
