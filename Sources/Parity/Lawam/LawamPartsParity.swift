import Devices
import Formats
import Frozen
import LAM
import NN
import Tensor

/// Case `lawam_losses`: every reconstruction loss and both losses of states, with gradients.
struct LawamLossesParity {
    private static let values = ParityTolerance.relativeToMax(1e-6)

    let folder: String

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        let inputs = try SafeTensors(path: folder + "/inputs.safetensors")
        let expected = try SafeTensors(path: folder + "/outputs_f32.safetensors")
        let backend = Device.open()
        func tensor(_ name: String) throws -> Tensor {
            let stored = try inputs.tensor(name)
            return backend.tensor(stored.floats(), stored.shape)
        }
        let target = try tensor("target"), current = try tensor("dec_in")
        for loss in ReconstructionLoss.allCases {
            let tape = Tape(on: backend, recording: true)
            let recon = tape.variable(try tensor("recon"))
            let value = loss(recon, target: target, current: current, tape)
            let extra = loss.extra(recon, target: target, tape)
            let total = tape.weightedSum(
                [(value, 1)] + [extra].compactMap { $0 }.map { (tensor: $0, weight: Float(1)) })
            tape.backward(from: total)
            report.compare(
                "\(loss.rawValue).loss", backend.floats(total), to: try expected.tensor("\(loss.rawValue).loss"),
                within: Self.values)
            report.compare(
                "\(loss.rawValue).grad_recon", tape.gradient(of: recon).map(backend.floats) ?? [],
                to: try expected.tensor("\(loss.rawValue).grad_recon"), within: Self.values)
        }
        let mask = try inputs.integers("mask").map { $0 != 0 }
        let predicted = try inputs.tensor("s_pred"), delta = try inputs.tensor("delta")
        let batch = predicted.shape[0], width = predicted.shape[1]
        guard mask.count == 2 * batch * width, delta.shape == predicted.shape else {
            throw ParityError.badTensor(
                path: inputs.path, name: "mask", expected: "[\(batch), 2, \(width)]", got: [mask.count])
        }
        for loss in StateLoss.allCases {
            for hasNone in [false, true] {
                let states = RobotStates(
                    [Float](repeating: 0, count: mask.count),
                    isKnown: hasNone ? [Bool](repeating: false, count: mask.count) : mask, delta: delta.floats(),
                    embodiments: [Int](repeating: 1, count: batch), width: width, on: backend)
                let tape = Tape(on: backend, recording: true)
                let change = tape.variable(backend.tensor(predicted.floats(), predicted.shape))
                let value = loss(change, states.delta, weights: states.weights, tape)
                tape.backward(from: value)
                let name = hasNone ? "state_all_masked" : "state_\(loss.rawValue)"
                report.compare(
                    "\(name).loss", backend.floats(value), to: try expected.tensor("\(name).loss"),
                    within: Self.values)
                guard !hasNone else { continue }
                report.compare(
                    "\(name).grad", tape.gradient(of: change).map(backend.floats) ?? [],
                    to: try expected.tensor("\(name).grad"), within: Self.values)
            }
        }
        return report
    }
}

/// Case `lawam_positions`: tables of positions.
struct LawamPositionsParity {
    private static let values = ParityTolerance.absolute(2e-6)

    let folder: String

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        let file = try SafeTensors(path: folder + "/positions.safetensors")
        for name in file.names {
            let parts = name.split(separator: ".")
            guard parts.count == 2, let sizes = Self.sizes(String(parts[0])) else {
                try compareOther(name, file, into: &report)
                continue
            }
            let expected = try file.tensor(name)
            let frames = AddedPositions.ofFrames(
                sizes.frames, rows: sizes.rows, columns: sizes.columns, width: sizes.width)
            let frame = AddedPositions.ofFrame(rows: sizes.rows, columns: sizes.columns, width: sizes.width)
            switch parts[1] {
            case "table3d": report.compare(name, frames, to: expected, within: Self.values)
            case "table2d": report.compare(name, frame, to: expected, within: Self.values)
            case "rows3d", "rows2d":
                let places = try file.integers("\(parts[0]).positions").map { Int($0) }
                let own = stride(from: 0, to: places.count, by: 3).flatMap { at -> ArraySlice<Float> in
                    let (time, row, column) = (places[at], places[at + 1], places[at + 2])
                    let isWhole = parts[1] == "rows3d"
                    let place = ((isWhole ? time : 0) * sizes.rows + row) * sizes.columns + column
                    let table = isWhole ? frames : frame
                    return table[place * sizes.width..<(place + 1) * sizes.width]
                }
                report.compare(name, own, to: expected, within: Self.values)
            default: continue
            }
        }
        return report
    }

    /// The table of times of states; masks, which here are sequences of their own.
    private func compareOther(_ name: String, _ file: SafeTensors, into report: inout ParityReport) throws {
        let expected = try file.tensor(name)
        if name.hasPrefix("state_table"), expected.shape.count == 2 {
            report.compare(
                name, SinusoidalPositions.table(count: expected.shape[0], width: expected.shape[1]), to: expected,
                within: Self.values)
        } else if name.hasPrefix("modal_mask"), let sizes = Self.sizes("d0_" + name.dropFirst("modal_mask_".count)) {
            let kinds =
                (0..<sizes.frames).flatMap { _ in
                    [Int](repeating: 1, count: sizes.rows * sizes.columns)
                        + [Int](repeating: 0, count: Self.number("state", in: name) ?? 0)
                } + [Int](repeating: 2, count: Self.number("q", in: name) ?? 0)
            let own = kinds.flatMap { query in kinds.map { query == 2 || query == $0 ? 1.0 : 0 } }
            report.compare(name, own, to: try file.integers(name), within: .exact)
        }
    }

    private static func number(_ key: String, in name: String) -> Int? {
        name.split(separator: "_").lazy.compactMap { part in
            part.hasPrefix(key) ? Int(part.dropFirst(key.count)) : nil
        }.first
    }

    /// Of `d16_t2_h2_w3`.
    private static func sizes(_ name: String) -> (width: Int, frames: Int, rows: Int, columns: Int)? {
        guard let width = number("d", in: name), let frames = number("t", in: name), let rows = number("h", in: name),
            let columns = number("w", in: name), width <= 4096, frames <= 64, rows * columns <= 4096
        else { return nil }
        return (width, frames, rows, columns)
    }
}

/// Case `lawam_blocks`: the blocks by themselves, on tokens of tiny variance, so that every norm's epsilon shows.
struct LawamBlocksParity: ParityCase {
    private static let values = ParityTolerance.relativeToMax(1e-4)
    private static let gradients = ParityTolerance.mixed(absolute: 1e-4, factor: 1e-4)

    let folder: String

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        let config = try ParityConfig(folder: folder)
        let width = try config.int("dim", atMost: 1024), heads = try config.int("num_heads", atMost: 64)
        let hidden = width * (try config.int("ffn_expansion_factor", atMost: 16))
        let store = ParameterStore(backend: Device.open())
        let backend = store.backend
        let adaptive = ModulatedBlock(store.root("adaln"), width: width, hidden: hidden, heads: heads)
        let layer = EncoderLayer(store.root("encoder_layer"), width: width, hidden: hidden, heads: heads)
        let reader = QueryReader(store.root("cross"), width: width, heads: heads)
        store.allocate(seed: 0)
        try load(file("weights.safetensors"), into: store)
        let inputs = try SafeTensors(path: folder + "/inputs.safetensors")
        let expected = try SafeTensors(path: folder + "/outputs_f32.safetensors")
        func tensor(_ name: String) throws -> Tensor {
            let stored = try inputs.tensor(name)
            return backend.tensor(stored.floats(), stored.shape)
        }
        func replay(
            _ name: String, _ variables: [(name: String, tensor: Tensor)], weight: Tensor,
            _ body: (Tape, [Tensor]) -> Tensor
        ) throws {
            store.zeroGradients()
            let tape = Tape(on: backend, recording: true)
            let inputs = variables.map { tape.variable($0.tensor) }
            let y = body(tape, inputs)
            tape.backward(from: tape.rowProducts(y, weight, rows: 1))
            report.compare("\(name).y", backend.floats(y), to: try expected.tensor("\(name).y"), within: Self.values)
            for (variable, input) in zip(variables, inputs) {
                report.compare(
                    "\(name).grad_\(variable.name)", tape.gradient(of: input).map(backend.floats) ?? [],
                    to: try expected.tensor("\(name).grad_\(variable.name)"), within: Self.gradients)
            }
            for parameter in store.trainable where parameter.name.hasPrefix(name + ".") {
                let own = "\(name).grad.\(parameter.name.dropFirst(name.count + 1))"
                guard let gradient = parameter.gradient, let stored = expected.tensors[own] else { continue }
                report.compare(own, backend.floats(gradient), to: stored, within: Self.gradients)
            }
        }
        let x = try tensor("x"), tokens = x.shape[1]
        try replay("adaln", [("x", x), ("c", try tensor("c"))], weight: try tensor("w")) { tape, inputs in
            adaptive(inputs[0], condition: tape.apply(.silu, inputs[1]), tape, name: "adaln")
        }
        // The mask of the case is that of patches and the queries behind them.
        let mask = try inputs.integers("mask")
        let queries = (0..<tokens).count { row in mask[row * tokens..<(row + 1) * tokens].allSatisfy { $0 != 0 } }
        try replay("encoder_layer", [("x", x)], weight: try tensor("w")) { tape, inputs in
            let streams = LawamEncoder.Streams(
                patches: tape.tokens(inputs[0], 0..<tokens - queries), states: nil,
                queries: tape.tokens(inputs[0], tokens - queries..<tokens))
            return layer(streams, needsTokens: true, tape).joined(tape).queries
        }
        try replay("cross", [("q", try tensor("q")), ("x", x)], weight: try tensor("wq")) { tape, inputs in
            reader.read(inputs[0], [inputs[1]], tape)
        }
        return report
    }
}
