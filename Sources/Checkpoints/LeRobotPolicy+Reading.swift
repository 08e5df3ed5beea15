import Configuration
import Formats
import Foundation
import OrderedCollections

extension LeRobotPolicy {
    /// Makes a checkpoint of epoch 0 of the model in a policy's file.
    ///
    /// - Returns: the number of tensors.
    /// - Throws: `LeRobotPolicyError.noModel`.
    public static func read(_ path: String, to output: String, overwrites: Bool) throws -> Int {
        let file = try SafeTensors(path: path)
        let inside = file.tensors.filter { $0.key.hasPrefix(prefix) }
        let isBare = inside.isEmpty && file.tensors["encoder.QFormer.queries"] != nil
        guard isBare || !inside.isEmpty else { throw LeRobotPolicyError.noModel(path: path, prefix: prefix) }
        var stateDict: OrderedDictionary<String, StoredTensor> = [:]
        for (name, tensor) in isBare ? file.tensors : inside {
            stateDict[LightningCheckpoint.modelPrefix + (isBare ? name : String(name.dropFirst(prefix.count)))] = tensor
        }
        guard overwrites || !FileManager.default.fileExists(atPath: output) else {
            throw CheckpointError.fileExists(path: output)
        }
        var checkpoint = LightningCheckpoint(epoch: 0, globalStep: 0, stateDict: stateDict)
        let told = try Told(beside: path)
        checkpoint.hyperParameters = .init(values: ConfigValue.map(told.ofModel).pickle)
        if !told.ofData.isEmpty {
            checkpoint.dataHyperParameters = .init(values: ConfigValue.map(told.ofData).pickle)
        }
        try checkpoint.write(to: output)
        return stateDict.count
    }

    /// What a policy's `config.json` says of the model that its tensors do not; nothing where there is no such file.
    private struct Told {
        var ofModel: OrderedDictionary<String, ConfigValue> = [
            "family": .string("lawam"), "bottleneck": .string("vae"),
        ]
        var ofData: OrderedDictionary<String, ConfigValue> = [:]

        private struct Keys: Decodable {
            var type: String?
            var lam_num_heads: Int?
            var lam_enc_modal_mask: Bool?
            var lam_latent_layer_to_use: Int?
            var lam_norm_latents: Bool?
            var lam_norm_latents_type: String?
            var lam_image_hw: [Int]?
        }

        init(beside weights: String) throws {
            let path = URL(fileURLWithPath: weights).deletingLastPathComponent()
                .appendingPathComponent(configurationName).path
            guard FileManager.default.fileExists(atPath: path) else { return }
            guard let keys = try? JSONDecoder().decode(Keys.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
            else { throw LeRobotPolicyError.unreadableConfiguration(path: path) }
            try LeRobotPolicy.requireType(keys.type, path: path)
            ofModel["lam_num_heads"] = keys.lam_num_heads.map(ConfigValue.int)
            ofModel["enc_modal_mask"] = keys.lam_enc_modal_mask.map(ConfigValue.bool)
            ofModel["norm_latents"] = keys.lam_norm_latents.map(ConfigValue.bool)
            ofModel["norm_latents_type"] = keys.lam_norm_latents_type.map(ConfigValue.string)
            ofModel["latent_layer_to_use"] = keys.lam_latent_layer_to_use.map(ConfigValue.int)
            guard let sides = keys.lam_image_hw, sides.count == 2, sides[0] == sides[1] else { return }
            ofData["resolution"] = .int(sides[0])
        }
    }
}
