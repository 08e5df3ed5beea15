import LAM
import LAMData
import Reports

extension TrainingRun {
    /// Lines about the run, before it starts.
    public var banner: [String] {
        let accumulated = configuration.trainer.accumulateGradBatches
        let factors = [group.size, streamOptions.batchSize, accumulated].enumerated().filter { $0 == 1 || $1 > 1 }
        let split = factors.count == 1 ? "" : " (\(factors.map { "\($1)" }.joined(separator: " x ")))"
        return [module.backend.summary] + ranks + [
            "\(module.store.trainableCount) trainable parameters, \(gflopPerSample.formatted4) GFLOP a sample, batch \(globalBatch * accumulated)\(split)"
        ] + stream.datasets.map(\.banner) + (stream.memory.map { ["data stream: \($0)"] } ?? [])
    }

    /// GFLOP of a training step, forward and backward, per sample; without frozen encoders.
    package var gflopPerSample: Double {
        // Each product has two of its size in the backward pass.
        3 * module.model.forwardFLOPs(patches: streamOptions.patches(of: encoders.vision)) / 1e9
    }

    /// Samples per second of a run that did its arithmetic at the machine's best rate of products, measured now.
    var peakSamplesPerSecond: Double {
        ProductCeiling.measure(module.backend, module.autocast, ProductCeiling.brief) * Double(group.size)
            / gflopPerSample
    }

    /// What works together, where it is more than this process.
    private var ranks: [String] {
        if let replica {
            return [
                "\(replica.replicaCount) such devices, each with a batch of its own; gradients are added up among them"
            ]
        }
        guard let reducer else { return [] }
        let hosts = group.hostCount == 1 ? group.hosts[0] : "\(group.hostCount) hosts"
        return [
            "\(group.size) ranks on \(hosts), each with the threads above, optimiser \(reducer.isSharded ? "sharded" : "on each rank"), gradients in "
                + "\(reducer.buckets.count) buckets of \(reducer.wire.rawValue)"
        ]
    }
}

extension FramePairStream.DatasetSummary {
    fileprivate var banner: String {
        let frames =
            window.lowerBound == window.upperBound
            ? "\(window.lowerBound)" : "\(window.lowerBound)-\(window.upperBound)"
        let short = shortEpisodes > 0 ? ", \(shortEpisodes) episodes too short for a pair" : ""
        return "\(name): \((share * 100).formatted4) %, \(episodes) episodes, \(pairs) pairs, camera \(camera), "
            + "window \(frames) frames at \(fps.formatted4) fps\(short)"
    }
}
