import Devices
import Formats
import Foundation
import LAM
import LatentEvaluation
import NN
import Tensor

/// Case `lawam_eval`: the published controls and ridge probe of LaWAM, on the weights of the neighbouring case `lawam_vae`. Its
/// permutation, normal numbers and training episodes are given.
struct LawamEvaluationParity: ParityCase {
    /// Limits of the reference data's README.
    private static let errors = ParityTolerance.absolute(1e-5)
    private static let shares = ParityTolerance.absolute(1e-4)

    let folder: String

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        let config = try ParityConfig(folder: folder)
        let neighbour = URL(fileURLWithPath: folder).deletingLastPathComponent().appendingPathComponent("lawam_vae")
            .path
        let replayed = try LawamCase(try ParityConfig(folder: neighbour))
        let inputs = try SafeTensors(path: folder + "/inputs.safetensors")
        let backend = Device.open()
        let store = ParameterStore(backend: backend)
        let model = LawamModel(store.root, featureWidth: replayed.featureWidth, replayed.options)
        store.allocate(seed: 0)
        try load(SafeTensors(path: neighbour + "/weights.safetensors"), into: store)
        let features = try inputs.tensor("features")
        let pairs = features.shape[0]
        guard features.shape.count == 4, features.shape[1] == 2, features.shape[3] == replayed.featureWidth, pairs > 1
        else {
            throw ParityError.badTensor(
                path: inputs.path, name: "features", expected: "[N, 2, K, \(replayed.featureWidth)]",
                got: features.shape)
        }
        let input = LatentActionInput(patches: backend.tensor(features.floats(), features.shape))
        let tape = Tape(on: backend, recording: false)
        let output = model(input, tape)
        let facts = Facts(
            pairs: pairs, width: model.action.width, channels: replayed.featureWidth,
            z: backend.floats(output.action.z),
            current: backend.floats(output.current), target: backend.floats(output.target),
            episodes: try inputs.tensor("episodes").int64s().map { Int($0) })
        let predictions = try controls(facts, model, input, inputs, tape)
        for precision in ["f32", "f64"] {
            let expected = try SafeTensors(path: "\(folder)/outputs_\(precision).safetensors")
            report.compare(
                "z \(precision)", facts.z, to: try expected.tensor("z"), within: .forward)
            report.compare(
                "recon \(precision)", predictions[.own] ?? [], to: try expected.tensor("recon"), within: .forward)
            try compareControls(facts, predictions, expected, precision, into: &report)
            try compareProbe(facts, config, inputs, expected, precision, into: &report)
        }
        return report
    }

    private struct Facts {
        let pairs: Int
        let width: Int
        let channels: Int
        let z, current, target: [Float]
        let episodes: [Int]

        func z(of pair: Int) -> ArraySlice<Float> { z[pair * width..<(pair + 1) * width] }
        /// Numbers of a pair's features.
        var size: Int { target.count / pairs }
    }

    // MARK: Controls

    /// Predictions with the case's exchanged latents.
    private func controls(
        _ facts: Facts, _ model: LawamModel, _ input: LatentActionInput, _ inputs: SafeTensors, _ tape: Tape
    ) throws -> [LatentControl: [Float]] {
        let permutation = try inputs.tensor("permutation").int64s().map { Int($0) }
        let gaussian = try inputs.tensor("gaussian").floats()
        guard permutation.count == facts.pairs, permutation.allSatisfy((0..<facts.pairs).contains),
            gaussian.count == facts.z.count, facts.episodes.count == facts.pairs
        else {
            throw ParityError.badTensor(
                path: inputs.path, name: "permutation", expected: "[\(facts.pairs)]", got: [permutation.count])
        }
        let donors = LatentDonors(episodes: facts.episodes) { _ in 0 }
        let deviation = Float(facts.z.standardDeviation)
        let latents: [LatentControl: [Float]] = [
            .own: facts.z, .zero: [Float](repeating: 0, count: facts.z.count),
            .sameEpisode: donors.sameEpisode.flatMap { facts.z(of: $0) },
            .otherEpisode: permutation.flatMap { facts.z(of: $0) }, .gaussian: gaussian.map { $0 * deviation },
        ]
        let backend = tape.backend
        return latents.mapValues { values in
            let shape = [facts.pairs, model.action.perPair, facts.width / model.action.perPair]
            return backend.floats(
                model.reconstruction(of: input, latents: [backend.tensor(values, shape)], tape))
        }
    }

    private func compareControls(
        _ facts: Facts, _ predictions: [LatentControl: [Float]], _ expected: SafeTensors, _ precision: String,
        into report: inout ParityReport
    ) throws {
        var moments = ChannelMoments(channels: facts.channels)
        moments.add(facts.target[...])
        guard let standardization = moments.standardization else { return }
        var sums = ControlSums()
        for pair in 0..<facts.pairs {
            let range = pair * facts.size..<(pair + 1) * facts.size
            sums.add(
                predictions.mapValues { $0[range] }, current: facts.current[range], target: facts.target[range],
                standardization)
        }
        func compare(_ name: String, _ values: [Double]) throws {
            report.compare(
                "\(name) \(precision)", values, to: try expected.tensor(name).floats().map(Double.init),
                within: Self.errors)
        }
        func compare(_ name: String, _ value: Double?) throws { try compare(name, value.map { [$0] } ?? []) }
        try compare("mean", standardization.means)
        try compare("std", standardization.deviations)
        try compare("z_std", facts.z.standardDeviation)
        try compare("mse.copy", sums.copyError)
        try compare("mse.mean", sums.meanError)
        try compare("cos.prediction_future", sums.cosineOfPredictionAndFuture)
        try compare("cos.current_future", sums.cosineOfCurrentAndFuture)
        try compare("cos.prediction_current", sums.cosineOfPredictionAndCurrent)
        let names: [(LatentControl, String)] = [
            (.own, "prediction"), (.otherEpisode, "other"), (.sameEpisode, "same_episode"), (.zero, "zero"),
            (.gaussian, "gaussian"),
        ]
        for (control, name) in names {
            try compare("mse.\(name)", sums.error(control))
            try compare("distance_to_current.\(name)", sums.distanceToCurrent(control))
            guard control != .own else { continue }
            try compare("delta.\(name)", sums.error(control).flatMap { error in sums.error(.own).map { error - $0 } })
        }
        report.compare(
            "within_permutation \(precision)",
            LatentDonors(episodes: facts.episodes) { _ in 0 }.sameEpisode.map(Double.init),
            to: try expected.integers("within_permutation"), within: .exact)
    }

    // MARK: The probe

    private func compareProbe(
        _ facts: Facts, _ config: ParityConfig, _ inputs: SafeTensors, _ expected: SafeTensors, _ precision: String,
        into report: inout ParityReport
    ) throws {
        let components = try config.int("pca_components", atMost: 1024)
        let horizon = try config.int("horizon_frames", atMost: 4096)
        let step = try config.int("subsample", atMost: 4096)
        guard let lambdas = config.value(["lambdas"]) as? [Double] else { throw config.fault(["lambdas"]) }
        let actions = try inputs.tensor("actions"), starts = try inputs.tensor("start_frames").int64s().map { Int($0) }
        guard actions.shape.count == 3, starts.count == facts.pairs,
            facts.episodes.allSatisfy((0..<actions.shape[0]).contains),
            starts.allSatisfy({ $0 >= 0 && $0 < actions.shape[1] - (horizon - step) })
        else {
            throw ParityError.badTensor(
                path: inputs.path, name: "actions", expected: "[episodes, frames, width]", got: actions.shape)
        }
        let width = actions.shape[2], values = actions.floats().map(Double.init)
        let targets = zip(facts.episodes, starts).map { episode, start -> [Double] in
            let rows = (0...horizon).map { frame -> [Double] in
                let first = (episode * actions.shape[1] + min(start + frame, actions.shape[1] - 1)) * width
                return Array(values[first..<first + width])
            }
            let all = ActionTarget.values(rows, frame: 0, target: horizon, chunk: horizon / step) ?? []
            return Array(all.dropFirst(2 * width))
        }
        report.compare(
            "targets \(precision)", targets.flatMap { $0 },
            to: try expected.tensor("targets").floats().map(Double.init), within: .exact)
        let training = Set(try inputs.tensor("train_episodes").int64s().map { Int($0) })
        let isTrained = facts.episodes.map(training.contains)
        report.compare(
            "train_mask \(precision)", isTrained.map { $0 ? 1 : 0 },
            to: try expected.integers("train_mask"), within: .exact)

        let z = (0..<facts.pairs).map { facts.z(of: $0).map(Double.init) }
        let frames = (0..<facts.pairs).map { pair in
            facts.current[pair * facts.size..<(pair + 1) * facts.size].map(Double.init)
        }
        let means = frames.map { frame in
            (0..<facts.channels).map { channel in
                stride(from: channel, to: frame.count, by: facts.channels).reduce(0) { $0 + frame[$1] }
                    / Double(frame.count / facts.channels)
            }
        }
        func reduced(_ rows: [[Double]]) -> [[Double]] {
            let principal = PrincipalComponents(
                rows.indices.filter { isTrained[$0] }.map { rows[$0] }, components: components)
            return rows.map { principal($0) }
        }
        let ofFrames = reduced(frames)
        for (name, rows) in [
            ("z", z), ("pca_all_tokens", ofFrames), ("pca_token_mean", reduced(means)),
            ("z_and_pca_all_tokens", zip(z, ofFrames).map { $0 + $1 }),
        ] {
            report.compare(
                "r2.\(name) \(precision)", lambdas.map { r2(rows, targets, isTrained, lambda: $0) },
                to: try expected.tensor("r2.\(name)").floats().map(Double.init), within: Self.shares)
        }
    }

    /// R² on the test pairs, pooled over all outputs.
    private func r2(_ rows: [[Double]], _ targets: [[Double]], _ isTrained: [Bool], lambda: Double) -> Double {
        guard let first = rows.first, let target = targets.first else { return .nan }
        var moments = RidgeMoments(inputs: first.count, outputs: target.count)
        for place in rows.indices where isTrained[place] { moments.add(rows[place], targets[place]) }
        // The reference's strength is of sums, and not of means.
        guard let fit = moments.fit(ridge: lambda / moments.count) else { return .nan }
        var (error, deviation) = (0.0, 0.0)
        for place in rows.indices where !isTrained[place] {
            for (value, (target, mean)) in zip(fit(rows[place]), zip(targets[place], moments.outputMeans)) {
                error += (target - value) * (target - value)
                deviation += (target - mean) * (target - mean)
            }
        }
        return 1 - error / deviation
    }
}

extension [Float] {
    /// Over all numbers, divisor n - 1.
    fileprivate var standardDeviation: Double {
        let mean = reduce(0.0) { $0 + Double($1) } / Double(count)
        let squares = reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
        return (squares / Double(Swift.max(1, count - 1))).squareRoot()
    }
}
