import Formats
import Foundation
import Frozen
import LAM
import OrderedCollections

/// LaWAM's latent action model in the file of a LeRobot policy: `model.safetensors`, whose names a policy of type `lawam` loads
/// strictly, and the keys of its `config.json` that must agree with it.
///
/// What the file has of the policy besides the model is not made here: the user's build of it has that.
public enum LeRobotPolicy {
    public static let weightsName = "model.safetensors"
    public static let configurationName = "config.json"
    /// What stands before the model's names.
    static let prefix = "model.policy_backend.lam."
    private static let visionPrefix = "vision_encoder.model."
    /// LeRobot's defaults of the head that predicts states, for a model that was trained without one: zeros, which predict that
    /// nothing changes.
    private static let stateWidth = 14
    private static let embodiments = 32
    private static let headMultiple = 8

    /// Writes a checkpoint's model into a folder.
    ///
    /// - Parameters:
    ///   - visionWeights: DINOv3's, where the checkpoint does not hold them; timm's names or Hugging Face's.
    ///   - overwrites: whether `model.safetensors` may exist. Keys of an existing `config.json` are set, others stay.
    /// - Returns: the number of tensors, and lines for the user.
    /// - Throws: `CheckpointError`; `LeRobotPolicyError` for a model that such a policy cannot have.
    public static func write(
        checkpoint path: String, visionWeights: String?, to folder: String, overwrites: Bool
    ) throws -> (tensors: Int, notes: [String]) {
        let checkpoint = try LightningCheckpoint(contentsOf: path)
        var own: OrderedDictionary<String, StoredTensor> = [:]
        for (name, tensor) in checkpoint.stateDict where name.hasPrefix(LightningCheckpoint.modelPrefix) {
            own[String(name.dropFirst(LightningCheckpoint.modelPrefix.count))] = tensor
        }
        let sizes = try Sizes(of: own, checkpoint)
        let vision = try HuggingFaceDINOv3.tensors(of: visionFile(own, visionWeights, path))
        let encoder = try EncoderSizes(vision, path: path)
        var notes: [String] = []
        var model = own.filter { !$0.key.hasPrefix("vision_encoder.") }
        if !sizes.hasStateHead {
            for (name, shape) in stateHead(width: sizes.dim, codes: sizes.codeDim) {
                model[name] = StoredTensor(floats: [Float](repeating: 0, count: shape.reduce(1, *)), shape: shape)
            }
            notes.append("the model has no state head; the file has one of zeros, which predicts that nothing changes")
        }
        if own.keys.contains(where: { $0.hasPrefix(AuxiliaryModel.headName + ".") }) {
            notes.append("the head of labels is left out: policies have none, and latents do not need it")
        }
        if sizes.layer != -2 {
            notes.append("the model was trained on layer \(sizes.layer); the policy always reads layer -2")
        }
        var tensors: OrderedDictionary<String, StoredTensor> = [:]
        for (name, tensor) in vision { tensors[prefix + visionPrefix + name] = tensor }
        // In the order in which the policy registers its parts.
        for part in ["decoder.", "state_decoder.", "encoder.", "vq."] {
            for (name, tensor) in model where name.hasPrefix(part) { tensors[prefix + name] = tensor }
        }
        let file = "\(folder)/\(weightsName)"
        guard overwrites || !FileManager.default.fileExists(atPath: file) else {
            throw CheckpointError.fileExists(path: file)
        }
        let known = try knownConfiguration("\(folder)/\(configurationName)")
        try Folder.create(folder)
        try SafeTensors.write(tensors, metadata: ["format": "pt"], to: file)
        try writeConfiguration(sizes, encoder, known, to: "\(folder)/\(configurationName)")
        return (tensors.count, notes)
    }

    private static func visionFile(
        _ own: OrderedDictionary<String, StoredTensor>, _ weights: String?, _ path: String
    ) throws -> WeightFile {
        if let weights { return try WeightFile(path: weights) }
        let held = own.filter { $0.key.hasPrefix(visionPrefix) }
        guard !held.isEmpty else { throw LeRobotPolicyError.noVisionEncoder(path: path) }
        return WeightFile(
            source: path, tensors: held.map { (String($0.key.dropFirst(visionPrefix.count)), $0.value) })
    }

    /// Names and shapes of the head.
    private static func stateHead(width: Int, codes: Int) -> [(String, [Int])] {
        func mlp(_ name: String, _ inputs: Int, _ outputs: Int) -> [(String, [Int])] {
            [
                ("\(name).layer1.W", [embodiments, inputs, width]), ("\(name).layer1.b", [embodiments, width]),
                ("\(name).layer2.W", [embodiments, width, outputs]), ("\(name).layer2.b", [embodiments, outputs]),
            ]
        }
        return [("state_decoder.z_encoder.weight", [width, codes]), ("state_decoder.z_encoder.bias", [width])]
            + mlp("state_decoder.state_encoder", stateWidth, width)
            + mlp("state_decoder.state_decoder", 2 * width, stateWidth)
    }

    /// What the model's tensors say of its sizes.
    private struct Sizes {
        let dim, heads, ffnFactor, encLayers, decLayers, codeDim, queries, layer, patch: Int
        let hasStateHead, hasNorm, hasLastNorm, hasModalMask, normalizesFeatures: Bool
        let normalization: String
        let stateWidth, embodiments, resolution: Int

        init(of tensors: OrderedDictionary<String, StoredTensor>, _ checkpoint: LightningCheckpoint) throws {
            let path = checkpoint.path
            func refuse(_ what: String, _ expected: String, _ got: String) -> LeRobotPolicyError {
                .unfit(path: path, what: what, expected: expected, got: got)
            }
            guard let tokens = tensors["encoder.QFormer.queries"], tokens.shape.count == 3 else {
                throw refuse("family", "lawam", "a model of another family")
            }
            let options = checkpoint.hyperParameters?.values
            let bottleneck = options?["bottleneck"]?.string ?? options?["bottleneck"]?["class_path"]?.string ?? "vae"
            guard bottleneck == "vae", let mu = tensors["vq.mu.weight"] else {
                throw refuse("bottleneck", "vae", bottleneck)
            }
            (queries, dim) = (tokens.shape[1], tokens.shape[2])
            guard queries == 1 else { throw refuse("num_queries", "1", "\(queries)") }
            codeDim = mu.shape[0]
            guard codeDim.isMultiple(of: headMultiple) else {
                throw refuse("lam_latent_dim", "a multiple of \(headMultiple)", "\(codeDim)")
            }
            guard tensors["encoder.state_project.layer1.W"] == nil else {
                throw refuse("enc_add_state", "false", "true")
            }
            func layers(_ name: String) -> Int {
                var count = 0
                while tensors.keys.contains(where: { $0.hasPrefix("\(name).\(count).") }) { count += 1 }
                return count
            }
            (encLayers, decLayers) = (layers("encoder.QFormer.layers"), layers("decoder.dec_layers"))
            let hidden = tensors["decoder.dec_layers.0.ffn.0.weight"]?.shape[0] ?? dim
            ffnFactor = hidden / dim
            heads = options?["lam_num_heads"]?.int ?? dim / 64
            guard heads > 0, dim.isMultiple(of: heads) else {
                throw refuse("lam_num_heads", "a divisor of \(dim) that the checkpoint names", "\(heads)")
            }
            layer = options?["latent_layer_to_use"]?.int ?? -2
            patch = options?["lam_patch_size"]?.int ?? 16
            guard patch == 16 else { throw refuse("lam_patch_size", "16", "\(patch)") }
            let encoder = options?["vision_encoder"]?.string ?? "dinov3-vitb16"
            guard encoder.hasPrefix("dinov3") else { throw refuse("vision_encoder", "dinov3-vitb16", encoder) }
            hasNorm = tensors["vq.pre_norm.weight"] != nil
            hasLastNorm = tensors["decoder.last_ln.weight"] != nil
            if case .bool(let isMasked)? = options?["enc_modal_mask"] {
                hasModalMask = isMasked
            } else {
                hasModalMask = true
            }
            if case .bool(let isOn)? = options?["norm_latents"] {
                normalizesFeatures = isOn
            } else {
                normalizesFeatures = true
            }
            normalization = options?["norm_latents_type"]?.string ?? "ln"
            guard !normalizesFeatures || ["ln", "l2"].contains(normalization) else {
                throw refuse("norm_latents_type", "ln or l2", normalization)
            }
            let head = tensors["state_decoder.state_encoder.layer1.W"]
            hasStateHead = head != nil
            stateWidth = head?.shape[1] ?? LeRobotPolicy.stateWidth
            embodiments = head?.shape[0] ?? LeRobotPolicy.embodiments
            resolution = checkpoint.dataHyperParameters?.values["resolution"]?.int ?? 256
        }
    }

    private struct EncoderSizes {
        let width, hidden, layers, registers: Int

        init(_ tensors: OrderedDictionary<String, StoredTensor>, path: String) throws {
            width = tensors["embeddings.cls_token"]?.shape.last ?? 0
            hidden = tensors["model.layer.0.mlp.up_proj.weight"]?.shape[0] ?? 0
            registers = tensors["embeddings.register_tokens"]?.shape[1] ?? 0
            layers = tensors.keys.count { $0.hasSuffix(".norm1.weight") }
        }
    }

    /// - Throws: `LeRobotPolicyError.otherPolicy`.
    static func requireType(_ type: String?, path: String) throws {
        guard type == nil || type == "lawam" else { throw LeRobotPolicyError.otherPolicy(path: path, type: type ?? "") }
    }

    /// What a `config.json` that is there already says; nothing where there is none.
    private static func knownConfiguration(_ path: String) throws -> [String: Any] {
        guard FileManager.default.fileExists(atPath: path) else { return [:] }
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        guard let known = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            throw LeRobotPolicyError.unreadableConfiguration(path: path)
        }
        if let type = known["type"] { try requireType(type as? String ?? "\(type)", path: path) }
        return known
    }

    private static func writeConfiguration(
        _ sizes: Sizes, _ encoder: EncoderSizes, _ known: [String: Any], to path: String
    ) throws {
        var object = known
        let own: [String: Any] = [
            "type": "lawam", "num_video_frames": 2, "lam_dim": sizes.dim, "lam_num_heads": sizes.heads,
            "lam_ffn_expansion_factor": sizes.ffnFactor, "lam_enc_layers": sizes.encLayers,
            "lam_dec_layers": sizes.decLayers, "lam_code_dim": sizes.codeDim, "lam_max_state_dim": sizes.stateWidth,
            "lam_num_queries": sizes.queries, "lam_dropout": 0.0, "lam_vq_layer_norm": sizes.hasNorm,
            "lam_norm_latents": sizes.normalizesFeatures, "lam_norm_latents_type": sizes.normalization,
            "lam_enc_modal_mask": sizes.hasModalMask,
            "lam_latent_layer_to_use": -2, "lam_num_embodiments": sizes.embodiments,
            "lam_image_hw": [sizes.resolution, sizes.resolution], "lam_patch_size": sizes.patch,
            "lam_decoder_last_ln": sizes.hasLastNorm, "dinov3_hidden_size": encoder.width,
            "dinov3_intermediate_size": encoder.hidden, "dinov3_num_hidden_layers": encoder.layers,
            "dinov3_num_attention_heads": encoder.width / 64, "dinov3_num_register_tokens": encoder.registers,
        ]
        object.merge(own) { $1 }
        let data = try JSONSerialization.data(withJSONObject: object, options: [.prettyPrinted, .sortedKeys])
        try AtomicFile.write([UInt8](data) + [0x0A], to: path)
    }
}
