import Formats
import Frozen
import OrderedCollections

/// DINOv3's tensors under the names of Hugging Face's transformers, as timm calls them. q, k and v have a matrix each there, and k
/// has no bias.
package enum HuggingFaceDINOv3 {
    private static let whole = [
        "embeddings.cls_token": "cls_token", "embeddings.register_tokens": "reg_token",
        "embeddings.mask_token": "mask_token", "embeddings.patch_embeddings.weight": "patch_embed.proj.weight",
        "embeddings.patch_embeddings.bias": "patch_embed.proj.bias", "norm.weight": "norm.weight",
        "norm.bias": "norm.bias",
    ]
    private static let inBlock = [
        "attention.q_proj.bias": "attn.q_bias", "attention.v_proj.bias": "attn.v_bias",
        "attention.o_proj.weight": "attn.proj.weight", "attention.o_proj.bias": "attn.proj.bias",
        "mlp.up_proj.weight": "mlp.fc1.weight", "mlp.up_proj.bias": "mlp.fc1.bias",
        "mlp.down_proj.weight": "mlp.fc2.weight", "mlp.down_proj.bias": "mlp.fc2.bias",
        "layer_scale1.lambda1": "gamma_1", "layer_scale2.lambda1": "gamma_2",
        "norm1.weight": "norm1.weight", "norm1.bias": "norm1.bias", "norm2.weight": "norm2.weight",
        "norm2.bias": "norm2.bias",
    ]
    /// Transformers 4 and 5.
    private static let blockPrefixes = ["model.layer.", "layer."]
    private static let projections = ["q", "k", "v"].map { "attention.\($0)_proj.weight" }

    /// A file of such names with timm's; any other file as it is.
    ///
    /// - Throws: `FormatError.weights` for a block that lacks one of its three matrices, or has them of other shapes.
    static func renamed(_ file: WeightFile) throws(FormatError) -> WeightFile {
        let encoder = file.visionEncoder
        guard encoder.tensors["embeddings.cls_token"] != nil else { return file }
        var tensors: OrderedDictionary<String, StoredTensor> = [:]
        for (name, tensor) in encoder.tensors {
            if let known = whole[name] {
                tensors[known] = tensor
                continue
            }
            guard let prefix = blockPrefixes.first(where: name.hasPrefix) else {
                tensors[name] = tensor
                continue
            }
            let parts = name.dropFirst(prefix.count).split(separator: ".", maxSplits: 1)
            guard parts.count == 2 else {
                tensors[name] = tensor
                continue
            }
            let (block, rest) = ("blocks.\(parts[0])", String(parts[1]))
            if let known = inBlock[rest] {
                tensors["\(block).\(known)"] = tensor
            } else if projections.contains(rest) {
                let packed = "\(block).attn.qkv.weight"
                guard tensors[packed] == nil else { continue }
                tensors[packed] = try stacked(encoder, projections.map { "\(prefix)\(parts[0]).\($0)" })
            } else {
                tensors[name] = tensor
            }
        }
        return WeightFile(source: file.path, tensors: tensors.map { ($0.key, $0.value) })
    }

    private static func stacked(_ file: WeightFile, _ names: [String]) throws(FormatError) -> StoredTensor {
        let shape = try file.tensor(names[0], nil).shape
        guard shape.count == 2, shape[0] == shape[1] else {
            throw .weights(path: file.path, .sizes(names[0], shape: shape, expected: "a square matrix"))
        }
        var values: [Float] = []
        for name in names { values += try file.tensor(name, shape).floats() }
        return StoredTensor(floats: values, shape: [3 * shape[0], shape[1]])
    }

    /// Names and shapes of a network's tensors under the names of transformers 5.
    package static func shapes(_ sizes: VisionTransformerSizes) -> [(name: String, shape: [Int])] {
        let width = sizes.width, hidden = sizes.hidden
        var shapes: [(name: String, shape: [Int])] = [
            ("embeddings.cls_token", [1, 1, width]), ("embeddings.mask_token", [1, 1, width]),
            ("embeddings.register_tokens", [1, sizes.registers, width]),
            ("embeddings.patch_embeddings.weight", [width, 3, sizes.patchSize, sizes.patchSize]),
            ("embeddings.patch_embeddings.bias", [width]), ("norm.weight", [width]), ("norm.bias", [width]),
        ]
        for block in 0..<sizes.depth {
            let vectors = [
                "norm1.weight", "norm1.bias", "attention.v_proj.bias", "attention.q_proj.bias",
                "attention.o_proj.bias", "layer_scale1.lambda1", "norm2.weight", "norm2.bias", "mlp.down_proj.bias",
                "layer_scale2.lambda1",
            ].map { ($0, [width]) }
            let matrices = ["k", "v", "q", "o"].map { ("attention.\($0)_proj.weight", [width, width]) }
            let network = [
                ("mlp.up_proj.weight", [hidden, width]), ("mlp.up_proj.bias", [hidden]),
                ("mlp.down_proj.weight", [width, hidden]),
            ]
            shapes += (vectors + matrices + network).map { ("model.layer.\(block).\($0.0)", $0.1) }
        }
        return shapes
    }

    /// The tensors of an encoder, in timm's names or these, under the names of transformers 5, with zeros where timm's variant has
    /// no bias of q and v. The token for masked patches, which features do not need, is zeros, too, where it is not there.
    ///
    /// - Throws: `FormatError.weights` that names the first tensor that is missing or unknown.
    package static func tensors(
        of file: WeightFile
    ) throws(FormatError) -> OrderedDictionary<String, StoredTensor> {
        let timm = try renamed(file).visionEncoder
        let width = try timm.tensor("cls_token").shape.last ?? 0
        func zeros(_ shape: [Int]) -> StoredTensor {
            StoredTensor(floats: [Float](repeating: 0, count: shape.reduce(1, *)), shape: shape)
        }
        var result: OrderedDictionary<String, StoredTensor> = [:]
        func take(_ own: String, _ names: [String], or shape: [Int]? = nil) throws(FormatError) {
            if shape != nil, !names.contains(where: { timm.tensors[$0] != nil }) {
                result[own] = shape.map(zeros)
            } else {
                result[own] = try timm.tensor(names.first { timm.tensors[$0] != nil } ?? names[0])
            }
        }
        try take("embeddings.cls_token", ["cls_token"])
        try take("embeddings.mask_token", ["mask_token"], or: [1, 1, width])
        result["embeddings.mask_token"] = result["embeddings.mask_token"]?.reshaped([1, 1, width])
        try take("embeddings.register_tokens", ["reg_token", "storage_tokens"])
        try take("embeddings.patch_embeddings.weight", ["patch_embed.proj.weight"])
        try take("embeddings.patch_embeddings.bias", ["patch_embed.proj.bias"])
        var block = 0
        while timm.tensors.keys.contains(where: { $0.hasPrefix("blocks.\(block).") }) {
            let (own, from) = ("model.layer.\(block)", "blocks.\(block)")
            try take("\(own).norm1.weight", ["\(from).norm1.weight"])
            try take("\(own).norm1.bias", ["\(from).norm1.bias"])
            let packed = try timm.tensor("\(from).attn.qkv.weight", [3 * width, width]).floats()
            func rows(_ third: Int) -> StoredTensor {
                let size = width * width
                return StoredTensor(
                    floats: Array(packed[third * size..<(third + 1) * size]), shape: [width, width])
            }
            result["\(own).attention.k_proj.weight"] = rows(1)
            result["\(own).attention.v_proj.weight"] = rows(2)
            try take("\(own).attention.v_proj.bias", ["\(from).attn.v_bias"], or: [width])
            result["\(own).attention.q_proj.weight"] = rows(0)
            try take("\(own).attention.q_proj.bias", ["\(from).attn.q_bias"], or: [width])
            try take("\(own).attention.o_proj.weight", ["\(from).attn.proj.weight"])
            try take("\(own).attention.o_proj.bias", ["\(from).attn.proj.bias"])
            try take("\(own).layer_scale1.lambda1", ["\(from).gamma_1", "\(from).ls1.gamma"])
            try take("\(own).norm2.weight", ["\(from).norm2.weight"])
            try take("\(own).norm2.bias", ["\(from).norm2.bias"])
            try take("\(own).mlp.up_proj.weight", ["\(from).mlp.fc1.weight"])
            try take("\(own).mlp.up_proj.bias", ["\(from).mlp.fc1.bias"])
            try take("\(own).mlp.down_proj.weight", ["\(from).mlp.fc2.weight"])
            try take("\(own).mlp.down_proj.bias", ["\(from).mlp.fc2.bias"])
            try take("\(own).layer_scale2.lambda1", ["\(from).gamma_2", "\(from).ls2.gamma"])
            block += 1
        }
        try take("norm.weight", ["norm.weight"])
        try take("norm.bias", ["norm.bias"])
        return result
    }
}
