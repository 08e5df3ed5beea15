import Formats
import LAM
import NN
import Randomness
import Tensor

/// Case `vq`: the quantiser alone: forward, gradients, ties, large codebooks, restart, and two levels of it.
struct VectorQuantizerParity {
    let folder: String

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        let file = try SafeTensors(path: folder + "/vq.safetensors")
        try straightThrough(file, into: &report)
        for part in ["b", "c"] { try lookup(file, part, into: &report) }
        for mode in ["some", "none", "all", "half_float"] {
            try restart(file, "e.\(mode)", into: &report)
        }
        try residual(file, into: &report)
        return report
    }

    private func quantizer(_ file: SafeTensors, _ name: String) throws -> (VectorQuantizer, ParameterStore) {
        let codebook = try file.tensor(name)
        guard codebook.shape.count == 2, codebook.count > 0 else {
            throw badTensor(file, codebook, named: name, expected: "a codebook [K, L]")
        }
        let store = ParameterStore(backend: ParityBackend.open())
        let quantizer = VectorQuantizer(
            store.root, codes: codebook.shape[0], latentWidth: codebook.shape[1], counting: .original)
        store.allocate(seed: 0)
        codebook.floats().withUnsafeBytes { store.backend.upload($0, to: quantizer.codebook.value) }
        return (quantizer, store)
    }

    /// Latents `[B, n, L]`, or `[n, L]`, of the quantiser's width.
    private func latents(_ file: SafeTensors, _ name: String, rank: Int, for vq: VectorQuantizer) throws -> StoredTensor
    {
        let stored = try file.tensor(name)
        let width = vq.codebook.shape[1]
        guard stored.shape.count == rank, stored.shape.last == width, stored.count > 0 else {
            throw badTensor(file, stored, named: name, expected: "\(rank) axes, the last of \(width)")
        }
        return stored
    }

    /// The numbers that an output of `latents`' shape is multiplied with.
    private func factors(_ file: SafeTensors, _ name: String, for latents: StoredTensor) throws -> StoredTensor {
        let stored = try file.tensor(name)
        guard stored.shape == latents.shape else {
            throw badTensor(file, stored, named: name, expected: "shape \(latents.shape)")
        }
        return stored
    }

    private func badTensor(
        _ file: SafeTensors, _ tensor: StoredTensor, named name: String, expected: String
    ) -> ParityError {
        .badTensor(path: file.path, name: name, expected: expected, got: tensor.shape)
    }

    /// `a.*`: values, losses, and the gradients of `sum(w z_q)` alone and with both losses.
    private func straightThrough(_ file: SafeTensors, into report: inout ParityReport) throws {
        let (vq, store) = try quantizer(file, "a.codebook")
        let backend = store.backend
        let stored = try latents(file, "a.x", rank: 3, for: vq)
        let weight = try factors(file, "a.w", for: stored)
        for withLosses in [false, true] {
            let tape = Tape(on: backend, recording: true)
            let x = tape.variable(backend.tensor(stored.floats(), stored.shape))
            let output = vq(x, nil, tape)
            let indices = count(output, perSample: stored.shape[1], by: vq, backend)
            report.compare(
                "a.usage_after_\(withLosses ? 2 : 1)", vq.usage,
                to: try file.tensor("a.usage_after_\(withLosses ? 2 : 1)"), within: .exact)
            let weighted = innerProduct(output.zQ, weight, on: tape)
            let (qLoss, commitLoss) = (output.losses[0].tensor, output.losses[1].tensor)
            let terms = [(tensor: weighted, weight: Float(1))] + output.losses
            let total = tape.weightedSum(withLosses ? terms : [terms[0]])
            store.zeroGradients()
            tape.backward(from: total)
            let gradient = tape.gradient(of: x).map(backend.floats) ?? []
            if withLosses {
                report.compare("a.z", backend.floats(output.z), to: try file.tensor("a.z"), within: .exact)
                report.compare("a.z_q", backend.floats(output.zQ), to: try file.tensor("a.z_q"), within: .forward)
                report.compare("a.indices", indices.map(Float.init), to: try file.tensor("a.indices"), within: .exact)
                report.compare("a.q_loss", backend.floats(qLoss), to: try file.tensor("a.q_loss"), within: .losses)
                report.compare(
                    "a.commit_loss", backend.floats(commitLoss), to: try file.tensor("a.commit_loss"), within: .losses)
                report.compare("a.grad_x_total", gradient, to: try file.tensor("a.grad_x_total"), within: .gradients)
                report.compare(
                    "a.grad_codebook_total", backend.floats(store.gradients),
                    to: try file.tensor("a.grad_codebook_total"), within: .gradients)
            } else {
                report.compare(
                    "a.grad_x_of_sum_w_zq", gradient, to: try file.tensor("a.grad_x_of_sum_w_zq"), within: .gradients)
                report.check(
                    "a.codebook gets no gradient from z_q", backend.floats(store.gradients).allSatisfy { $0 == 0 },
                    otherwise: "the straight-through value passed a gradient to the codebook")
            }
        }
    }

    /// Adds a batch's codes to the record of their use; returns them.
    private func count(
        _ output: ActionLatents, perSample: Int, by vq: VectorQuantizer, _ backend: any Backend
    ) -> [Int32] {
        let indices = output.indices.map(backend.int32s) ?? []
        vq.count(CodeHistogram(indices, codes: vq.codebook.shape[0]), indices: { indices }, perSample: perSample)
        return indices
    }

    /// `sum(w x)`, as `(mean (x + w)^2 - mean (x - w)^2) n / 4`: the losses' own operation, so nothing is added to
    /// the engine.
    private func innerProduct(_ x: Tensor, _ weight: StoredTensor, on tape: Tape) -> Tensor {
        let w = weight.floats()
        let count = Float(w.count)
        let plus = tape.backend.tensor(w.map { -$0 }, x.shape)
        let minus = tape.backend.tensor(w, x.shape)
        return tape.weightedSum([
            (tape.meanSquaredError(x, plus), count / 4), (tape.meanSquaredError(x, minus), -count / 4),
        ])
    }

    /// `b.*` exact ties, `c.*` a large codebook: only the chosen codes are normative.
    private func lookup(_ file: SafeTensors, _ part: String, into report: inout ParityReport) throws {
        let (vq, store) = try quantizer(file, "\(part).codebook")
        let stored = try latents(file, "\(part).x", rank: 3, for: vq)
        let tape = Tape(on: store.backend, recording: false)
        let output = vq(store.backend.tensor(stored.floats(), stored.shape), nil, tape)
        let indices = count(output, perSample: stored.shape[1], by: vq, store.backend)
        report.compare(
            "\(part).indices", indices.map(Float.init), to: try file.tensor("\(part).indices"), within: .exact)
        report.compare("\(part).usage_after", vq.usage, to: try file.tensor("\(part).usage_after"), within: .exact)
        report.compare(
            "\(part).z_q", store.backend.floats(output.zQ), to: try file.tensor("\(part).z_q"), within: .forward)
        if let z = file.tensors["\(part).z"] {
            report.compare("\(part).z", store.backend.floats(output.z), to: z, within: .exact)
        }
    }

    /// `e.*`: the original's restart, given its permutation.
    private func restart(_ file: SafeTensors, _ part: String, into report: inout ParityReport) throws {
        let (vq, store) = try quantizer(file, "\(part).codebook_before")
        let usage = try file.tensor("\(part).usage")
        let permutation = try file.tensor("\(part).permutation")
        let codes = vq.codebook.shape[0]
        guard usage.count == codes else {
            throw badTensor(file, usage, named: "\(part).usage", expected: "\(codes) counts")
        }
        vq.usage = usage.floats()
        let order = try permutation.int64s().map(Int.init)
        guard order.sorted() == Array(0..<codes) else {
            throw badTensor(
                file, permutation, named: "\(part).permutation", expected: "each of \(codes) codes once")
        }
        let dead = vq.restartDeadCodes(
            .original, latents: [], optimizer: nil, backend: store.backend, order: order)
        report.compare(
            "\(part).dead_codes", dead.map(Float.init), to: try file.tensor("\(part).dead_codes"), within: .exact)
        report.compare(
            "\(part).codebook_after", store.backend.floats(vq.codebook.value),
            to: try file.tensor("\(part).codebook_after"), within: .exact)
        report.compare(
            "\(part).usage_after_reset", vq.usage, to: try file.tensor("\(part).usage_after_reset"), within: .exact)
    }

    /// `f.*`: a second quantiser on what the first leaves over.
    private func residual(_ file: SafeTensors, into report: inout ParityReport) throws {
        let (outer, outerStore) = try quantizer(file, "f.state.codebook.weight")
        let (inner, innerStore) = try quantizer(file, "f.state.inner_vq.codebook.weight")
        let backend = outerStore.backend
        let stored = try latents(file, "f.x", rank: 2, for: outer)
        let weight = try factors(file, "f.w", for: stored)
        _ = try latents(file, "f.x", rank: 2, for: inner)
        let tape = Tape(on: backend, recording: true)
        let x = tape.variable(backend.tensor(stored.floats(), stored.shape))
        let first = outer(x, nil, tape)
        // x - sg(z): the same gradient as x.
        let rest = tape.add(x, repeating: backend.tensor(backend.floats(first.z).map { -$0 }, stored.shape))
        let second = inner(rest, nil, tape)
        let products = [first, second].map { (tensor: innerProduct($0.zQ, weight, on: tape), weight: Float(1)) }
        tape.backward(from: tape.weightedSum(products + first.losses + second.losses))
        let zQ = zip(backend.floats(first.zQ), backend.floats(second.zQ)).map { $0 + $1 }
        report.compare("f.z_q", zQ, to: try file.tensor("f.z_q"), within: .forward)
        report.compare("f.z", backend.floats(first.z), to: try file.tensor("f.z"), within: .exact)
        report.compare("f.inner_z", backend.floats(second.z), to: try file.tensor("f.inner_z"), within: .exact)
        report.compare("f.inner_emb", backend.floats(rest), to: try file.tensor("f.inner_emb"), within: .forward)
        for (name, output) in [("f.indices", first), ("f.inner_indices", second)] {
            let indices = output.indices.map(backend.int32s) ?? []
            report.compare(name, indices.map(Float.init), to: try file.tensor(name), within: .exact)
        }
        report.compare(
            "f.grad_x", tape.gradient(of: x).map(backend.floats) ?? [], to: try file.tensor("f.grad_x"),
            within: .gradients)
        report.compare(
            "f.grad_codebook", backend.floats(outerStore.gradients), to: try file.tensor("f.grad_codebook"),
            within: .gradients)
        report.compare(
            "f.grad_inner_codebook", backend.floats(innerStore.gradients),
            to: try file.tensor("f.grad_inner_codebook"), within: .gradients)
    }
}
