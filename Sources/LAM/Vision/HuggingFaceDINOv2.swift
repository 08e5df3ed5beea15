import Formats
import Frozen
import OrderedCollections

/// DINOv2's tensors under the names of Hugging Face's transformers (`Dinov2Model`, `Dinov2WithRegistersModel`), as torch hub calls
/// them. q, k and v have a matrix and a bias each there.
enum HuggingFaceDINOv2 {
    private static let whole = [
        "embeddings.cls_token": "cls_token", "embeddings.mask_token": "mask_token",
        "embeddings.register_tokens": "register_tokens", "embeddings.position_embeddings": "pos_embed",
        "embeddings.patch_embeddings.projection.weight": "patch_embed.proj.weight",
        "embeddings.patch_embeddings.projection.bias": "patch_embed.proj.bias",
        "layernorm.weight": "norm.weight", "layernorm.bias": "norm.bias",
    ]
    private static let inBlock = [
        "attention.output.dense.weight": "attn.proj.weight", "attention.output.dense.bias": "attn.proj.bias",
        "layer_scale1.lambda1": "ls1.gamma", "layer_scale2.lambda1": "ls2.gamma",
    ]
    private static let blockPrefix = "encoder.layer."
    private static let attention = "attention.attention."
    private static let projections = ["query", "key", "value"]

    /// A file of such names with torch hub's; any other file as it is.
    ///
    /// - Throws: `FormatError.weights` for a block that lacks one of q, k and v, or has them of other shapes.
    static func renamed(_ file: WeightFile) throws(FormatError) -> WeightFile {
        let encoder = file.visionEncoder
        guard encoder.tensors["embeddings.position_embeddings"] != nil else { return file }
        var tensors: OrderedDictionary<String, StoredTensor> = [:]
        for (name, tensor) in encoder.tensors {
            if let known = whole[name] {
                tensors[known] = tensor
                continue
            }
            let parts = name.dropFirst(blockPrefix.count).split(separator: ".", maxSplits: 1)
            guard name.hasPrefix(blockPrefix), parts.count == 2 else {
                tensors[name] = tensor
                continue
            }
            let (block, rest) = ("blocks.\(parts[0])", String(parts[1]))
            guard rest.hasPrefix(attention), let kind = rest.split(separator: ".").last else {
                tensors["\(block).\(inBlock[rest] ?? rest)"] = tensor
                continue
            }
            let packed = "\(block).attn.qkv.\(kind)"
            guard tensors[packed] == nil else { continue }
            tensors[packed] = try stacked(
                encoder, projections.map { "\(blockPrefix)\(parts[0]).\(attention)\($0).\(kind)" })
        }
        return WeightFile(source: file.path, tensors: tensors.map { ($0.key, $0.value) })
    }

    /// Matrices or biases of one shape below each other.
    private static func stacked(_ file: WeightFile, _ names: [String]) throws(FormatError) -> StoredTensor {
        let shape = try file.tensor(names[0], nil).shape
        guard let rows = shape.first, shape.count <= 2 else {
            throw .weights(path: file.path, .sizes(names[0], shape: shape, expected: "a matrix or a bias"))
        }
        var values: [Float] = []
        for name in names { values += try file.tensor(name, shape).floats() }
        return StoredTensor(floats: values, shape: [names.count * rows] + shape.dropFirst())
    }
}
