import Devices
import Formats
import Frozen
import Foundation
import LAM
import NN
import OrderedCollections
import Tensor

/// Case `lawam_dino`: from pixels to a prediction, with the weights of a LeRobot policy's file: DINOv3 in Hugging Face's names, its
/// last layer but one, and the model behind it.
struct LawamEncoderParity {
    private static let hidden = ParityTolerance.relativeToMax(5e-5)
    private static let rest = ParityTolerance.relativeToMax(2e-5)

    let folder: String

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        let config = try ParityConfig(folder: folder)
        let inputs = try SafeTensors(path: folder + "/inputs.safetensors")
        let expected = try SafeTensors(path: folder + "/outputs_f32.safetensors")
        let prefix = try config.string("key_prefix")
        let weights = try WeightFile(path: folder + "/lerobot_model.safetensors")
        let backend = Device.open()
        let heads = try config.integer("dinov3_config", "num_attention_heads")
        let encoder = try DINOv3Encoder(weights, heads: heads, layer: -2, on: backend)
        let stored = try inputs.tensor("frames_u8")
        let patch = encoder.patchSize
        guard stored.shape.count == 5, stored.shape[1] == 2, stored.shape[2] == 3,
            stored.shape[3].isMultiple(of: patch), stored.shape[4].isMultiple(of: patch)
        else {
            throw ParityError.badTensor(
                path: inputs.path, name: "frames_u8", expected: "[B, 2, 3, H, W] in patches of \(patch)",
                got: stored.shape)
        }
        let frames = backend.tensor(try stored.int64s().map { UInt8(truncatingIfNeeded: $0) }, stored.shape)

        // Blocks one portion of frames after the other.
        var blocks: OrderedDictionary<String, [Float]> = [:]
        let normed = encoder.tokens(frames) { blocks[$0, default: []] += backend.floats($1) }
        for (name, values) in blocks where name.hasPrefix("block") {
            guard let index = Int(name.dropFirst("block".count)),
                let reference = expected.tensors["hidden_states.\(index + 1)"]
            else { continue }
            report.compare("hidden_states.\(index + 1)", values, to: reference, within: Self.hidden)
        }
        let tape = Tape(on: backend, recording: false)
        let count = normed.shape[1]
        report.compare(
            "last_hidden_normed", backend.floats(tape.tokens(normed, 1 + encoder.sizes.registers..<count)),
            to: try expected.tensor("last_hidden_normed"), within: Self.hidden)
        let features = encoder(frames, on: backend)
        report.compare("hidden", backend.floats(features), to: try expected.tensor("hidden"), within: Self.hidden)

        let store = ParameterStore(backend: backend)
        let model = LawamModel(
            store.root, featureWidth: encoder.featureWidth,
            try options(config, rows: stored.shape[3] / patch, columns: stored.shape[4] / patch))
        store.allocate(seed: 0)
        let own = weights.dropping(prefix: prefix)
        for parameter in store.parameters {
            backend.upload(try own.tensor(parameter.name, parameter.shape), to: parameter.value)
        }
        let output = model(LatentActionInput(patches: features), tape)
        let normalized = tape.layerNorm(features, epsilon: 1e-5)
        for (name, tensor) in [
            ("features", normalized), ("nodes", output.encoderOut), ("quantized", output.action.zQ),
            ("recon_next", output.recon),
        ] {
            report.compare(name, backend.floats(tensor), to: try expected.tensor(name), within: Self.rest)
        }
        let known = Set(store.parameters.map(\.name))
        let others = own.tensors.keys.filter { !known.contains($0) && !$0.hasPrefix("vision_encoder.") }
        report.check("names", others.isEmpty, otherwise: "the model has no \(others.first ?? "")")
        return report
    }

    private func options(_ config: ParityConfig, rows: Int, columns: Int) throws -> LawamOptions {
        var choice = BottleneckChoice(BottleneckKind.named("vae") ?? BottleneckKind.all[0])
        choice["layer_norm"] = .flag(config.value(["vq_kwargs", "layer_norm"]) as? Bool ?? false)
        var options = LawamOptions(
            dim: try config.int("dim", atMost: 4096), heads: try config.int("num_heads", atMost: 256),
            ffnFactor: try config.int("ffn_expansion_factor", atMost: 16),
            encLayers: try config.int("enc_layers", atMost: 100), decLayers: try config.int("dec_layers", atMost: 100),
            codeDim: try config.int("code_dim", atMost: 4096), bottleneck: choice)
        guard options.dim % 8 == 0, options.dim % options.heads == 0 else { throw config.fault(["dim"]) }
        options.queries = try config.int("num_queries", atMost: 64)
        options.maxStateDim = try config.int("max_state_dim", atMost: 1024)
        options.embodiments = try config.int("num_embodiments", atMost: 1024)
        options.grid = LawamOptions.Grid(rows: rows, columns: columns)
        return options
    }
}
