import Datasets

/// Where the consumer of a stream stands: enough to continue with the very next sample, on any number of ranks.
///
/// The order of samples is a function of the seed and these numbers, so neither buffers nor generators are part of it,
/// and batches that were made ahead but not taken leave no trace.
public struct StreamState: Codable, Hashable, Sendable {
    /// Samples that all ranks together have taken.
    public var position: Int
    /// How many of them came from each dataset, in the order of the mix.
    public var drawn: [Int]
    /// What the order depends on: options and datasets, by name.
    public var fingerprint: [String: String]

    package init(position: Int, drawn: [Int], fingerprint: [String: String]) {
        (self.position, self.drawn, self.fingerprint) = (position, drawn, fingerprint)
    }

    /// Everything that the sequence of samples, down to their bytes, depends on.
    static func fingerprint(
        sources: [StreamSource], options: StreamOptions, split: EpisodeSplit
    ) -> [String: String] {
        var facts = [
            "order": "2",
            "split": split.rawValue,
            "data.resolution": "\(options.resolution)",
            "data.image_aug": "\(options.imageAug)",
            "data.buffer_size": "\(options.bufferSize)",
            "data.seed": "\(options.seed)",
            "data.window": "\(options.window)",
            "data.pad_at_end": options.padAtEnd.rawValue,
            "data.augment_pair": options.augmentPair.rawValue,
            "data.crop": options.crop.rawValue,
            "data.val_fraction": "\(options.valFraction)",
            "data.dataset_mix": sources.map { "\($0.name) \($0.weight)" }.joined(separator: ", "),
        ]
        // Options that came later are facts where they are used, so that older states still fit.
        if !options.windowSeconds.isEmpty {
            facts["data.window_seconds"] = options.windowSeconds.map { "\($0.pattern) \($0.seconds)" }.joined(
                separator: ", ")
        }
        if !options.kindWindows.isEmpty {
            facts["data.frame_dt_sec"] = options.kindWindows.map { "\($0.pattern) \($0.seconds)" }.joined(
                separator: ", ")
        }
        if options.frames != 2 { facts["data.frames"] = "\(options.frames)" }
        if options.dualViewAug { facts["data.dual_view_aug"] = "true" }
        if options.augmentDraws != .sample {
            facts["data.augment_draws"] = "\(options.augmentDraws.rawValue) of \(options.batchSize)"
        }
        for (place, source) in sources.enumerated() {
            let frames = source.episodes.reduce(0) { $0 + $1.length }
            facts["dataset \(place) (\(source.name))"] =
                "\(source.episodes.count) episodes, \(frames) frames, \(source.fps) fps, camera \(source.camera), "
                + "lengths \(String(digest(source.episodes), radix: 16))"
        }
        return facts
    }

    /// Compares with the stream that is to continue and with itself.
    func check(against current: [String: String], datasets: Int) throws {
        for key in Set(fingerprint.keys).union(current.keys).sorted() where fingerprint[key] != current[key] {
            throw StreamError.stateMismatch(what: key, saved: fingerprint[key], current: current[key])
        }
        guard drawn.count == datasets else {
            throw StreamError.invalidState(reason: "\(drawn.count) dataset counts for \(datasets) datasets")
        }
        // 2^53 samples are never reached; the limit keeps damaged numbers from overflowing later on.
        let sane = 0...(1 << 53)
        var sum = 0
        for count in drawn where sane.contains(count) && sane.contains(sum) { sum += count }
        guard sane.contains(position), drawn.allSatisfy(sane.contains), sum == position else {
            throw StreamError.invalidState(reason: "counts \(drawn) do not sum to position \(position)")
        }
    }

    /// FNV-1a over the episodes' numbers and lengths.
    private static func digest(_ episodes: [RobotEpisode]) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for episode in episodes {
            for word in [episode.index, episode.length] {
                for shift in stride(from: 0, to: 64, by: 8) {
                    hash = (hash ^ (UInt64(bitPattern: Int64(word)) >> shift & 0xFF)) &* 0x100_0000_01B3
                }
            }
        }
        return hash
    }
}
