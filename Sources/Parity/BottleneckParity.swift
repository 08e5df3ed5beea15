import Devices
import Formats
import Frozen
import LAM
import NN
import Randomness
import Tensor

/// Case `lawam_vq_ops`: LaWAM's bottlenecks by themselves: forward, gradients of `sum(w z)` with all losses, moving averages over
/// steps, k-means and restarts.
struct BottleneckParity {
    static let values = ParityTolerance.relativeToMax(1e-5)
    static let gradients = ParityTolerance.mixed(absolute: 1e-5, factor: 1e-4)

    let folder: String

    /// One variant: its kind, what is different from LaWAM's defaults, and the inputs of its steps.
    private struct Variant {
        let name: String
        let kind: String
        var options: [String: BottleneckOption.Value] = [:]
        var steps: [(prefix: String, nodes: String)] = []
        /// Averages that go on from given ones.
        var isWarm = false
    }

    private static var variants: [Variant] {
        let entropies: [String: BottleneckOption.Value] = [
            "sample_entropy_weight": .number(0.1), "code_entropy_weight": .number(0.3),
        ]
        func steps(_ name: String, _ nodes: [String]) -> [(prefix: String, nodes: String)] {
            nodes.enumerated().map { ("\(name).step\($0)", $1) }
        }
        let three = ["nodes", "nodes1", "nodes2"]
        return [
            Variant(
                name: "vq", kind: "vq",
                options: entropies.merging(["layer_norm": .flag(true), "orthogonal_weight": .number(0.05)]) { $1 }),
            Variant(name: "vq_plain", kind: "vq"),
            Variant(name: "vq_cosine", kind: "vq", options: entropies.merging(["cosine": .flag(true)]) { $1 }),
            Variant(
                name: "vq_soft", kind: "vq",
                options: [
                    "soft_assignment": .flag(true), "temperature_start": .number(2), "temperature_end": .number(0.1),
                    "temperature_steps": .integers([3]), "sample_entropy_weight": .number(0.2),
                ], steps: steps("vq_soft", three)),
            Variant(name: "nsvq", kind: "nsvq", options: ["layer_norm": .flag(true)]),
            Variant(name: "diveq", kind: "nsvq", options: ["diveq": .flag(true)]),
            Variant(
                name: "ema_cold", kind: "ema", options: ["seed": .choice("original")],
                steps: steps("ema_cold", three)),
            Variant(
                name: "ema_warm", kind: "ema", options: ["decay": .number(0.95), "layer_norm": .flag(true)],
                steps: steps("ema_warm", three), isWarm: true),
            Variant(
                name: "ema_cosine", kind: "ema", options: ["cosine": .flag(true), "seed": .choice("original")],
                steps: steps("ema_cosine", three)),
            Variant(name: "vae", kind: "vae"),
            Variant(
                name: "vae_clamped", kind: "vae",
                options: ["layer_norm": .flag(false), "clamp_logvar": .number(0.3), "beta": .number(0.1)]),
            Variant(name: "ae", kind: "ae"),
        ]
    }

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        let inputs = try SafeTensors(path: folder + "/inputs.safetensors")
        let expected = try SafeTensors(path: folder + "/outputs_f32.safetensors")
        for variant in Self.variants { try replay(variant, inputs, expected, into: &report) }
        for name in ["kmeans_enough", "kmeans_few"] { try start(name, inputs, expected, into: &report) }
        for name in ["cap2", "all", "none_used", "ema"] { try restart(name, inputs, expected, into: &report) }
        return report
    }

    private func replay(
        _ variant: Variant, _ inputs: SafeTensors, _ expected: SafeTensors, into report: inout ParityReport
    ) throws {
        let made = try make(variant, inputs, expected)
        let backend = made.store.backend
        let steps = variant.steps.isEmpty ? [(prefix: variant.name, nodes: "nodes")] : variant.steps
        for (step, place) in steps.enumerated() {
            let stored = try inputs.tensor(place.nodes)
            let batch = stored.shape[0], width = stored.shape[2]
            // The VAE has one latent of a sample, and takes the first of its numbers.
            let tokens = made.bottleneck.latentsPerPair(ofTokens: stored.shape[1])
            let noise = rows(try inputs.tensor("noise"), tokens), weight = rows(try inputs.tensor("w"), tokens)
            let tape = Tape(on: backend, recording: true)
            let x = tape.variable(backend.tensor(stored.floats(), stored.shape))
            let output = made.bottleneck(x, TrainingPass(step: step, noise: noise), tape)
            let weighted = tape.rowProducts(
                output.zQ, backend.tensor(weight, [batch, tokens, width]), rows: 1)
            let total = tape.weightedSum([(weighted.reshaped([]), 1)] + output.losses)
            made.store.zeroGradients()
            tape.backward(from: total)
            func compare(_ name: String, _ values: [Float], _ tolerance: ParityTolerance = Self.values) throws {
                report.compare(
                    "\(place.prefix).\(name)", values, to: try expected.tensor("\(place.prefix).\(name)"),
                    within: tolerance)
            }
            try compare("quantized", backend.floats(output.zQ))
            try compare("total", backend.floats(total))
            try compare("grad_nodes", tape.gradient(of: x).map(backend.floats) ?? [], Self.gradients)
            for parameter in made.store.trainable {
                guard let gradient = parameter.gradient else { continue }
                try compare(
                    "grad.\(parameter.name.dropFirst("vq.".count))", backend.floats(gradient), Self.gradients)
            }
            if let indices = output.indices {
                report.compare(
                    "\(place.prefix).indices", backend.int32s(indices).map(Double.init),
                    to: try expected.integers("\(place.prefix).indices"), within: .exact)
                try compareCounts(made.bottleneck, indices, place.prefix, expected, backend, into: &report)
            }
            if let kl = zip(made.bottleneck.lossNames, output.losses).first(where: { $0.0.tag == "kl_loss" }) {
                try compare("last_kl_loss", backend.floats(kl.1.tensor))
            }
            if let statistics = made.bottleneck.takeStatistics() {
                made.bottleneck.absorb(statistics, on: backend)
                for (own, name) in [
                    ("vq.ema_cluster_size", "buffer_after.ema_cluster_size"),
                    ("vq.ema_embed_sum", "buffer_after.ema_embed_sum"), ("vq.codebooks", "codebook_after"),
                ] {
                    guard let parameter = made.store.parameters.first(where: { $0.name == own }) else { continue }
                    try compare(name, backend.floats(parameter.value))
                }
            }
        }
    }

    /// Uses of codes up to and with this step.
    private func compareCounts(
        _ bottleneck: any LatentBottleneck, _ indices: Tensor, _ prefix: String, _ expected: SafeTensors,
        _ backend: any Backend, into report: inout ParityReport
    ) throws {
        let values = backend.int32s(indices)
        bottleneck.count(
            CodeHistogram(values, codes: bottleneck.codeCount ?? 0), indices: { values }, perSample: indices.shape[1])
        report.compare(
            "\(prefix).node_count", bottleneck.usage.map(Double.init),
            to: try expected.integers("\(prefix).buffer_after.node_count"), within: .exact)
    }

    private struct Made {
        let bottleneck: any LatentBottleneck
        let store: ParameterStore
    }

    /// The bottleneck with the case's parameters.
    private func make(_ variant: Variant, _ inputs: SafeTensors, _ expected: SafeTensors) throws -> Made {
        guard let kind = BottleneckKind.named(variant.kind) else {
            throw ParityError.badConfig(path: folder, key: variant.kind)
        }
        var choice = BottleneckChoice(kind)
        for (name, value) in variant.options { choice[name] = value }
        if choice.kind.hasCodebook { choice["start"] = .choice("random") }
        let codebook = try inputs.tensor("codebook"), nodes = try inputs.tensor("nodes")
        guard codebook.shape.count == 2, nodes.shape.count == 3, nodes.shape[2] == codebook.shape[1] else {
            throw ParityError.badTensor(
                path: inputs.path, name: "nodes", expected: "[B, Q, \(codebook.shape.last ?? 0)]", got: nodes.shape)
        }
        let store = ParameterStore(backend: Device.open())
        let bottleneck = choice.make(
            BottleneckSite(
                store.root("vq"), latentWidth: codebook.shape[1], codes: codebook.shape[0],
                codebookName: "codebooks", mergesLatents: true))
        store.allocate(seed: 0)
        for parameter in store.parameters {
            let name = parameter.name.dropFirst("vq.".count)
            let stored = name == "codebooks" ? codebook : expected.tensors["\(variant.name).param.\(name)"]
            guard let stored, stored.shape == parameter.shape else { continue }
            store.backend.upload(stored, to: parameter.value)
        }
        var generator = RandomGenerator(seed: 0, purpose: "parity")
        bottleneck.begin(latents: [], backend: store.backend, &generator)
        if variant.isWarm { warm(store, codebook) }
        return Made(bottleneck: bottleneck, store: store)
    }

    /// Cluster sizes from 0.5 to 4, and sums that belong to them.
    private func warm(_ store: ParameterStore, _ codebook: StoredTensor) {
        let codes = codebook.shape[0], width = codebook.shape[1]
        let sizes = (0..<codes).map { Float(0.5 + 3.5 * Double($0) / Double(max(1, codes - 1))) }
        let sums = codebook.floats().enumerated().map { $1 * sizes[$0 / width] }
        for parameter in store.parameters {
            let values = parameter.name.hasSuffix("cluster_size") ? sizes : sums
            guard parameter.name.contains("ema_") else { continue }
            values.withUnsafeBytes { store.backend.upload($0, to: parameter.value) }
        }
    }

    /// The first `tokens` rows of each sample of `[B, Q, C]`.
    private func rows(_ stored: StoredTensor, _ tokens: Int) -> [Float] {
        let (queries, width) = (stored.shape[1], stored.shape[2])
        let values = stored.floats()
        return (0..<stored.shape[0]).flatMap { sample in
            values[sample * queries * width..<(sample * queries + tokens) * width]
        }
    }

    /// k-means with its order of rows.
    private func start(
        _ name: String, _ inputs: SafeTensors, _ expected: SafeTensors, into report: inout ParityReport
    ) throws {
        let nodes = try inputs.tensor("\(name).nodes"), after = try expected.tensor("\(name).codebook_after")
        let repeated = try inputs.tensors["\(name).extra_rows"]?.int64s().map { Int($0) } ?? []
        let order = try inputs.tensor("\(name).init_permutation").int64s().map { Int($0) }
        guard nodes.shape.count == 2, after.shape.count == 2, after.shape[1] == nodes.shape[1],
            repeated.allSatisfy((0..<nodes.shape[0]).contains),
            order.sorted() == Array(0..<nodes.shape[0] + repeated.count), order.count >= after.shape[0]
        else {
            throw ParityError.badTensor(
                path: inputs.path, name: "\(name).init_permutation", expected: "an order of its rows",
                got: [order.count])
        }
        let steps = try ParityConfig(folder: folder).integer("kmeans", name, "iterations")
        let centres = Codebook.centres(
            of: nodes.floats(), width: nodes.shape[1], count: after.shape[0], repeating: repeated, order: order,
            steps: steps, emptyBecomeZero: true)
        report.compare("\(name).codebook_after", centres, to: after, within: Self.values)
    }

    /// Restarts of unused codes from given codes in use.
    private func restart(
        _ name: String, _ inputs: SafeTensors, _ expected: SafeTensors, into report: inout ParityReport
    ) throws {
        let part = "replace_\(name)"
        let made = try make(Variant(name: part, kind: name == "ema" ? "ema" : "vq"), inputs, expected)
        guard let codebook = (made.bottleneck as? any CodebookBottleneck)?.book else { return }
        let backend = made.store.backend
        if name == "ema" { try restoreAverages(made.store, part, expected) }
        codebook.usage = try inputs.integers("\(part).node_count").map { Float($0) }
        let limit = ["cap2": 2, "ema": 3][name] ?? 0
        let positions = try inputs.tensors["\(part).sampled_positions_among_used"]?.int64s().map { Int($0) } ?? []
        let replaced = Array(codebook.deadCodes(atMost: limit).prefix(max(positions.count, 0)))
        guard positions.allSatisfy({ (0..<max(1, codebook.codesInUse.count)).contains($0) }) else {
            throw ParityError.badTensor(
                path: inputs.path, name: "\(part).sampled_positions_among_used", expected: "places of codes in use",
                got: positions)
        }
        let changed = codebook.copyUsed(to: replaced, positions: positions, backend: backend) { 0 }
        if let indices = expected.tensors["\(part).replaced_indices"] {
            report.compare(
                "\(part).replaced_indices", changed.map(Double.init), to: try indices.int64s().map { Double($0) },
                within: .exact)
        }
        made.bottleneck.forget(changed, on: backend)
        report.compare(
            "\(part).codebook_after", backend.floats(codebook.rows.value),
            to: try expected.tensor("\(part).codebook_after"), within: Self.values)
        for parameter in made.store.parameters where name == "ema" && parameter.name.contains("ema_") {
            let after = "\(part).\(parameter.name.dropFirst("vq.".count))_after"
            report.compare(after, backend.floats(parameter.value), to: try expected.tensor(after), within: Self.values)
        }
    }

    private func restoreAverages(_ store: ParameterStore, _ part: String, _ expected: SafeTensors) throws {
        for parameter in store.parameters where parameter.name.contains("ema_") {
            let before = try expected.tensor("\(part).\(parameter.name.dropFirst("vq.".count))_before")
            guard before.shape == parameter.shape else { continue }
            store.backend.upload(before, to: parameter.value)
        }
    }
}
