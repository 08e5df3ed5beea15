import Collectives
import Formats
import Foundation
import LAM
import LAMData
import LAMTrain
import Reports

/// What `lam predict` does: the latent action of every pair of every episode of a mix, to files.
///
/// No augmentation, no sampling: all episodes, held out or not, in order. A window of several lengths has its middle
/// one, so that labels of a dataset compare. Ranks share the episodes that are not complete.
public final class Predictor {
    /// What a run has done, over all ranks.
    public struct Summary: Sendable {
        public var output: String
        public var datasets = 0
        public var episodes = 0
        public var pairs = 0
        /// Episodes that were complete before.
        public var skipped = 0
        /// Pairs that have no label, as `data.on_bad_sample` allows.
        public var unreadable = 0
        /// The first of them that this rank has met.
        var firstUnreadable: SkippedSample?
        /// Uses of each code in what was written; nil where latents are continuous.
        public var codes: CodeHistogram?
        /// Where copies of the datasets with labels are.
        public var merged: String?

        public var text: String {
            var lines = ["\(episodes) episodes of \(datasets) dataset\(datasets == 1 ? "" : "s"), \(pairs) pairs"]
            if skipped > 0 { lines.append("\(skipped) episodes were complete before") }
            if unreadable > 0 {
                lines.append(
                    "\(unreadable) pairs have no label, because their frames cannot be read"
                        + (firstUnreadable.map {
                            " (first: dataset \($0.dataset), episode \($0.episode), frames \($0.frames): \($0.cause))"
                        } ?? "")
                        + "; to label them after a repair, remove the files of their episodes")
            }
            if pairs > 0, let codes {
                lines.append(
                    "\(codes.used) of \(codes.counts.count) codes in use, perplexity \(codes.perplexity.formatted4)")
            }
            lines.append("written to \(output)")
            if let merged { lines.append("merged into \(merged)") }
            return lines.joined(separator: "\n")
        }
    }

    /// How far the work of this rank is.
    public struct Progress {
        public let line: String
        /// Whether a log file should have the line.
        public let isDue: Bool
        /// What to tell somebody who ends the work now.
        public let afterInterruption: String
    }

    /// One camera of a dataset.
    private struct Job {
        var source: StreamSource
        let folder: LabelFolder
        /// Frames that all pairs span.
        let window: Int
    }

    private let model: TrainedModel
    private let output: String
    private let format: any LabelFormat
    private let columns: LabelColumns
    private let options: StreamOptions
    private let jobs: [Job]
    private let merge: LabelMerge?
    private var codes: CodeHistogram?
    private var pairs = 0
    private var unreadable: [SkippedSample] = []

    /// - Parameters:
    ///   - output: folder of the latent actions; a folder below it for each dataset.
    ///   - content: codes, the vectors that they stand for, or both; nil for codes where there are codes.
    ///   - merged: folder of copies of the datasets with the latent actions as a feature; nil for none.
    ///   - mergedVersion: LeRobot's version of the copies; nil for that of each source.
    /// - Throws: `PredictionError`.
    public init(
        _ model: TrainedModel, output: String, format: any LabelFormat, content: LabelContent? = nil,
        merged: String? = nil, mergedVersion: DatasetInfo.Version? = nil
    ) throws {
        (self.model, self.output, self.format) = (model, output, format)
        var options = model.configuration.data.stream
        // A label that belongs to another pair would be worse than none.
        options.blanksBadSamples = true
        options.imageAug = false
        self.options = options
        let parts = model.module.model.latentParts
        let codes = parts[0].histogram()
        self.codes = codes
        guard codes != nil || content == nil || content == .vectors else {
            throw PredictionError.noCodes(bottleneck: model.configuration.model.bottleneck.choice.kind.name)
        }
        let content = content ?? (codes == nil ? .vectors : .codes)
        let columns = LabelColumns(
            pads: options.padAtEnd == .clamp, codes: content != .vectors,
            uncontrolled: content != .vectors && parts.count > 1, embeddings: content != .codes)
        let jobs = model.opened.map { opened in
            // Labels are written once, and read as if their frames had been sound.
            let source = opened.source.checkingDamage
            let folder = LabelFolder(
                output: output, dataset: source.name, camera: opened.hasSiblings ? source.camera : nil, format: format)
            return Job(source: source, folder: folder, window: Self.window(options, source, opened.place))
        }
        var seen: Set<String> = []
        for job in jobs where !seen.insert(job.folder.path).inserted {
            throw PredictionError.sameFolder(name: job.source.name)
        }
        (self.columns, self.jobs) = (columns, jobs)
        let chosen = model.configuration.data.changed(["episodes", "exclude_episodes"])
        guard merged == nil || chosen.isEmpty else {
            throw PredictionError.chosenEpisodes(options: chosen.joined(separator: ", "))
        }
        guard merged == nil || format.isReadable else {
            throw PredictionError.writeOnly(format: format.fileExtension)
        }
        merge = try merged.map { destination in
            try LabelMerge(
                to: destination, parts: Self.parts(model.opened, jobs), columns: columns,
                sizes: LabelMerge.Sizes(parts), version: mergedVersion)
        }
    }

    /// The datasets, each with the labels of its cameras.
    private static func parts(_ opened: [OpenedSource], _ jobs: [Job]) throws -> [LabelMerge.Part] {
        var parts: [Int: LabelMerge.Part] = [:]
        for (opened, job) in zip(opened, jobs) {
            guard let dataset = opened.dataset as? LeRobotDataset else {
                throw PredictionError.notLeRobot(dataset: opened.source.name)
            }
            let suffix = opened.hasSiblings ? LabelMerge.suffix(camera: opened.source.camera) : ""
            parts[opened.place, default: LabelMerge.Part(dataset: dataset, labels: [])].labels.append(
                (suffix, job.folder, Set(job.source.episodes.map(\.index))))
        }
        return parts.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Writes what is missing.
    ///
    /// - Parameter report: takes how far it is, many times a second.
    /// - Throws: `PredictionError`, and what data and disk throw. What was written stays, and is not made again.
    public func run(
        status: (any Error) -> Int32 = { _ in 1 }, report: (Progress) -> Void
    ) throws -> Summary {
        let group = model.group
        var summary = Summary(output: output, datasets: Set(model.opened.map(\.place)).count, codes: codes)
        var work: [Job] = []
        for var job in jobs {
            let (source, folder) = (job.source, job.folder)
            let missing = try group.together(for: "opening of \(folder.path)", status: status) {
                try requirePairs(of: source, window: job.window)
                guard group.isRoot else { return [Int]() }
                try folder.open(description(of: source, window: job.window))
                return source.episodes.indices.filter { !folder.isComplete(episode: source.episodes[$0].index) }
            }
            // As rank 0 has found it: others may see a shared disk later, and ranks that are ahead already write.
            let all = try group.allGather(missing, for: "episodes to label")[0]
            summary.episodes += all.count
            summary.skipped += source.episodes.count - all.count
            job.source = source.keeping(Array(all[Shard.range(of: all.count, rank: group.rank, size: group.size)]))
            work.append(job)
        }
        try label(work, report: report)
        // Once all ranks have written their episodes.
        try group.together(for: "tables of labels", status: status) {}
        try group.together(for: "tables of labels", status: status) {
            guard group.isRoot else { return }
            for job in jobs {
                let files = job.source.episodes.map { job.folder.file(episode: $0.index) }
                try format.complete(files, in: job.folder.path)
            }
        }
        var message = RankMessage()
        message.append("pairs", Double(pairs))
        message.append("unreadable episodes", Double(unreadable.count))
        message.append("code counts", codes?.counts ?? [])
        let sums = try group.sum(message, for: "labels")
        summary.pairs = Int(sums.number("pairs"))
        summary.unreadable = Int(sums.number("unreadable episodes"))
        summary.firstUnreadable = unreadable.first
        summary.codes?.counts = sums["code counts"]
        try group.together(for: "merge", status: status) {
            guard group.isRoot, let merge else { return }
            let after = "ended; all labels are kept in \(output), and the same command merges them anew"
            report(Progress(line: "merging into \(merge.destination)", isDue: true, afterInterruption: after))
            try merge.run { report(Progress(line: $0, isDue: false, afterInterruption: after)) }
        }
        summary.merged = merge?.destination
        return summary
    }

    /// Frames that all pairs of a dataset span: the middle of those that its rule allows.
    static func window(_ options: StreamOptions, _ source: StreamSource, _ place: Int) -> Int {
        let frames = options.windowRule(name: source.name, fps: source.fps, place: place).frames
        return (frames.lowerBound + frames.upperBound) / 2
    }

    /// Whether an episode has pairs.
    private func isUsable(_ episode: RobotEpisode, window: Int) -> Bool {
        options.padAtEnd == .clamp || episode.length >= window
    }

    private func requirePairs(of source: StreamSource, window: Int) throws {
        guard !source.episodes.contains(where: { isUsable($0, window: window) }) else { return }
        let lengths = source.episodes.map(\.length)
        throw StreamError.noPairs(
            dataset: source.name, episodes: lengths.count,
            lengths: lengths.min().flatMap { low in lengths.max().map { low...$0 } }, window: window...window)
    }

    private func description(of source: StreamSource, window: Int) -> LabelFolder.Description {
        let (model, configuration) = (model.module.model, self.model.configuration)
        let data = configuration.data.changed(["flip", "channel_order", "depth", "fps", "split_at_cuts"])
        return LabelFolder.Description(
            dataset: source.name, camera: source.camera, fps: source.fps, window: window,
            pad_at_end: options.padAtEnd.rawValue, resolution: options.resolution, crop: options.crop.rawValue,
            data: data.isEmpty ? nil : data.joined(separator: ", "),
            checkpoint: self.model.checkpointPath, step: self.model.globalStep, weights: self.model.weightsDigest,
            encoders: Dictionary(uniqueKeysWithValues: self.model.encoders.fingerprints.map { ($0.key, $0.value) }),
            precision: "\(configuration.trainer.precision.autocast)", stage: configuration.model.stage.rawValue,
            codes: columns.codes ? model.action.bottleneck.codeCount ?? 0 : 0, codes_per_pair: model.action.perPair,
            latent_dim: model.action.bottleneck.latentWidth, has_embeddings: columns.embeddings,
            format: format.fileExtension, episodes: episodes(of: source))
    }

    /// What tells an episode from another of the same number.
    private func episodes(of source: StreamSource) -> [String: String] {
        let root = model.opened.first { $0.source.name == source.name }?.dataset.root ?? ""
        let table = (try? Data(contentsOf: URL(fileURLWithPath: "\(root)/segments.csv"))).map {
            ", segments.csv " + SHA256.hexadecimal(of: [UInt8]($0)).prefix(16)
        }
        return Dictionary(
            source.episodes.map { episode in
                let origin = episode.origin.isEmpty ? "" : " of \(episode.origin)"
                return ("\(episode.index)", "\(episode.length) frames" + origin + (table ?? ""))
            },
            uniquingKeysWith: { first, _ in first })
    }

    /// Labels episodes, one camera of a dataset after the other.
    private func label(_ jobs: [Job], report: (Progress) -> Void) throws {
        let episodes = jobs.reduce(0) { $0 + $1.source.episodes.count }
        guard episodes > 0 else { return }
        let total = try jobs.reduce(0) { sum, job in
            guard job.source.episodes.contains(where: { isUsable($0, window: job.window) }) else { return sum }
            return try sum
                + FramePairStream.order(sources: [job.source], options(of: job), split: .all).count
        }
        var written = 0
        let share = model.group.size > 1 ? " that process 0 of \(model.group.size) does" : ""
        var work = WorkProgress(
            "labelling", total: total, of: "pairs of \(episodes) episode\(episodes == 1 ? "" : "s")" + share)
        func tell(pairs: Int) {
            let due = work.add(pairs)
            report(
                Progress(
                    line: due ?? work.text, isDue: due != nil,
                    afterInterruption: "ended; of \(episodes) episodes to label \(written) are kept in \(output), and "
                        + "the same command goes on with the others"))
        }
        tell(pairs: 0)
        for job in jobs {
            try label(
                job,
                finish: { labels in
                    try job.folder.write(labels, columns: columns)
                    written += 1
                }, tell: tell)
        }
    }

    private func options(of job: Job) -> StreamOptions {
        var options = options
        options.window = .fixed(job.window)
        return options
    }

    private func label(_ job: Job, finish: (EpisodeLabels) throws -> Void, tell: (Int) -> Void) throws {
        let source = job.source
        // Complete without a pair.
        let short = source.episodes.filter { !isUsable($0, window: job.window) }
        for episode in short { try finish(EpisodeLabels(episode: episode.index)) }
        guard short.count < source.episodes.count else { return }

        let options = options(of: job)
        let stream = try FramePairStream(sources: [source], options, split: .all)
        let encoder = try model.encoder()
        var current: EpisodeLabels?
        while let batch = try stream.next() {
            let input = try encoder(batch)
            let result = try model.module.validationStep(input.input())
            unreadable += batch.skipped
            let bad = Set(batch.skipped.map(\.sample))
            let labelled = LabelledBatch(result, of: model.module, columns)
            for (pair, sample) in batch.samples.enumerated() {
                if let labels = current, labels.episode != sample.episode {
                    try finish(labels)
                    current = nil
                }
                var labels = current.take() ?? EpisodeLabels(episode: sample.episode)
                if !bad.contains(sample.sample) {
                    let row = labelled.row(ofPair: pair, sample)
                    pairs += 1
                    codes?.add(labelled.codes(ofPair: pair) ?? [])
                    labels.rows.append(row)
                }
                current = labels
            }
            tell(batch.samples.count)
        }
        if let current { try finish(current) }
    }
}
