import Formats
import Foundation
import OrderedCollections
import Parity
import TestSupport
import Testing

/// Changes to cases of LaWAM's models and bottlenecks must make their replays fail.
@Suite("Perturbed cases of LaWAM")
struct LawamPerturbationTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func copy(_ kind: String) throws -> URL {
        let copy = folder.url(kind)
        try FileManager.default.copyItem(at: Goldens.url("lam/\(kind)"), to: copy)
        return copy
    }

    private func change(_ file: URL, _ name: String, by difference: Float) throws {
        var changed = OrderedDictionary<String, StoredTensor>()
        for (own, tensor) in try SafeTensors(path: file.path).tensors {
            guard own == name else {
                changed[own] = tensor
                continue
            }
            var values = tensor.floats()
            values[values.count / 2] += difference
            changed[own] = StoredTensor(floats: values, shape: tensor.shape)
        }
        try SafeTensors.write(changed, to: file.path)
    }

    private func edit(_ kind: String, _ change: (inout [String: Any]) -> Void) throws -> ParityReport {
        let copy = try copy(kind)
        let file = copy.appendingPathComponent("config.json")
        var object = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        change(&object)
        try JSONSerialization.data(withJSONObject: object).write(to: file)
        return try ParityRunner.run(case: copy.path)
    }

    @Test(
        "one weight that is off by 1e-2 shows, wherever it is",
        arguments: [
            ("lawam_vae", "encoder.project_in.weight"), ("lawam_vae", "encoder.QFormer.queries"),
            ("lawam_vae", "encoder.QFormer.q_cross_attn.attn.in_proj_weight"),
            ("lawam_vae", "encoder.QFormer.q_cross_attn.norm2.bias"),
            ("lawam_vae", "encoder.QFormer.q_cross_attn.ff.0.weight"),
            ("lawam_vae", "encoder.QFormer.layers.1.linear1.bias"),
            ("lawam_vae", "encoder.QFormer.layers.0.self_attn.out_proj.weight"), ("lawam_vae", "vq.mu.weight"),
            ("lawam_vae", "vq.logvar.bias"), ("lawam_vae", "vq.pre_norm.weight"),
            ("lawam_vae", "decoder.dec_layers.1.adaLN_modulation.1.weight"),
            ("lawam_vae", "decoder.dec_layers.0.ffn.3.weight"), ("lawam_vae", "decoder.action_in_proj.bias"),
            ("lawam_vae", "decoder.last_ln.weight"), ("lawam_state", "state_decoder.state_encoder.layer1.W"),
            ("lawam_state", "state_decoder.state_decoder.layer2.b"), ("lawam_state", "state_decoder.z_encoder.weight"),
            ("lawam_vq", "vq.codebooks"), ("lawam_nsvq", "vq.in_norm.weight"), ("lawam_ema", "vq.ema_embed_sum"),
            ("lawam_ema", "vq.ema_cluster_size"), ("lawam_blocks", "adaln.attn.in_proj_weight"),
            ("lawam_blocks", "cross.norm1.weight"), ("lawam_blocks", "encoder_layer.linear2.weight"),
        ])
    func weights(kind: String, name: String) throws {
        let copy = try copy(kind)
        try change(copy.appendingPathComponent("weights.safetensors"), name, by: 1e-2)
        #expect(try !ParityRunner.run(case: copy.path).passes)
    }

    @Test("another loss, mask, bottleneck option, grid or noise shows")
    func options() throws {
        #expect(try !edit("lawam_vae") { $0["loss_type"] = "smooth_l1" }.passes)
        #expect(try !edit("lawam_ae") { $0["enc_modal_mask"] = false }.passes)
        #expect(try !edit("lawam_ema") { $0["vq_kwargs"] = ["layer_norm": true, "ema_decay": 0.99] }.passes)
        #expect(try !edit("lawam_vq") { $0["lambda_diversity"] = 0.25 }.passes)
        #expect(try !edit("lawam_nsvq") { $0["grid_hw"] = [3, 2] }.passes)
        let copy = try copy("lawam_state")
        try change(copy.appendingPathComponent("inputs.safetensors"), "noise", by: 1e-2)
        #expect(try !ParityRunner.run(case: copy.path).passes)
    }

    @Test("inputs of the bottlenecks alone show, and levels of scalar quantisation")
    func bottlenecks() throws {
        for name in ["codebook", "nodes1", "noise", "w", "kmeans_few.nodes"] {
            let copy = try copy("lawam_vq_ops")
            defer { try? FileManager.default.removeItem(at: copy) }
            try change(copy.appendingPathComponent("inputs.safetensors"), name, by: 0.1)
            #expect(try !ParityRunner.run(case: copy.path).passes, "\(name)")
        }
        let levels = try edit("fsq") {
            $0["cases"] = ["l8_5_5_5": ["levels": [8, 5, 5, 6]], "l5_3_4": ["levels": [5, 3, 4]]]
        }
        #expect(!levels.passes)
    }

    @Test("a case of a model under another name is replayed by its configuration")
    func otherNames() throws {
        let copy = folder.url("lawam_three")
        try FileManager.default.copyItem(at: Goldens.url("lam/lawam_vae"), to: copy)
        #expect(try ParityRunner.cases(in: folder.root.path).known == [copy.standardizedFileURL.path])
        #expect(try ParityRunner.run(case: copy.path).passes)
    }
}
