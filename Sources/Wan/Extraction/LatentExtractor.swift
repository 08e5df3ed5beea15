import Devices
import Formats
import Foundation
import LAMData
import Tensor

/// Makes the files that LingBot-VA is post-trained on out of a LeRobot dataset and Wan2.2's weights.
///
/// First all distinct texts go through the text encoder, which then leaves memory; then each video is decoded once and all
/// its segments are encoded on the way. A file appears whole or not at all, files that are complete are left as they are,
/// and what cannot be encoded is named and counted while the rest goes on.
public struct LatentExtractor {
    private let options: ExtractionOptions
    private let openBackend: () throws -> any Backend
    private let monitor: ExtractionMonitor
    private let combine: (ExtractionSummary) throws -> ExtractionSummary

    private let source: ExtractionSource
    private let checkpoint: WanCheckpoint
    private let plan: ExtractionPlan

    /// - Parameters:
    ///   - threads: compute threads; nil for the CPUs of this process.
    ///   - openBackend: opens what is computed on, once for the texts and once for the videos; nil for the CPU.
    ///   - report: gets what happens, in order.
    ///   - isInterrupted: asked often; true ends the run, and a later one goes on.
    ///   - combine: waits for all ranks and makes one summary of theirs. Called before anything is encoded, so that no
    ///     rank takes the files of a faster one for those of an earlier run, and at the end.
    /// - Throws: `ExtractionError`; `DataError` and `ParquetError` of the dataset's metadata.
    public init(
        _ options: ExtractionOptions, threads: Int? = nil, openBackend: (() throws -> any Backend)? = nil,
        report: @escaping (ExtractionEvent) -> Void, isInterrupted: @escaping () -> Bool = { false },
        combine: @escaping (ExtractionSummary) throws -> ExtractionSummary = { $0 }
    ) throws {
        try options.validate()
        self.options = options
        self.openBackend = openBackend ?? { Device.open(threads: threads) }
        monitor = ExtractionMonitor(report: report, isInterrupted: isInterrupted)
        self.combine = combine
        checkpoint = try WanCheckpoint(folder: options.checkpoint)
        source = try ExtractionSource.open(path: options.dataset, fps: options.fps)
        plan = try ExtractionPlan(source, options)
    }

    /// - Returns: what was done and what was left out, by all ranks.
    /// - Throws: `ExtractionError`; `FormatError` of weights or where a file cannot be written; `TextError` of the tokenizer.
    public func run() throws -> ExtractionSummary {
        let start = ContinuousClock.now
        let networks = try ExtractionNetworks(checkpoint, precision: options.precision, on: openBackend())
        let (plan, texts) = plan.tokenized(by: networks.tokenizer)
        let files = LatentFiles(options: options, plan: plan, texts: texts, source: source)
        var manifest = ExtractionManifest(files, networks)
        try files.requireOwn(manifest)
        let work = ExtractionWork(files, tokenizer: networks.tokenizer)
        announce(work, files, with: networks)

        try FileManager.default.createDirectory(
            atPath: source.dataset.root + "/latents", withIntermediateDirectories: true)
        if options.rank == 0 { try manifest.write() }
        _ = try combine(ExtractionSummary())
        var summary = ExtractionSummary()
        do {
            let outcome = try encode(work, into: files, with: networks)
            (summary.written, summary.skipped) = (outcome.written, work.complete.count)
            summary.leftOut = plan.leftOut + outcome.leftOut
            summary.quality = try verify(files, networks)
        } catch ExtractionError.interrupted {
            summary.isInterrupted = true
        }
        summary.seconds = (ContinuousClock.now - start) / .seconds(1)
        summary = try combine(summary)
        guard !summary.isInterrupted else { throw ExtractionError.interrupted }
        if options.rank == 0 {
            (manifest.segments, manifest.left_out) = (summary.written + summary.skipped, summary.leftOut)
            try manifest.write()
        }
        return summary
    }

    /// Says what will be done, what will not, and what LingBot-VA's own reader will stumble over.
    private func announce(_ work: ExtractionWork, _ files: LatentFiles, with networks: ExtractionNetworks) {
        if work.replaced > 0 {
            monitor.report(.note("\(work.replaced) files are damaged or of other options, and are made anew"))
        }
        monitor.report(.plan(work.outline(files, networks.encoder)))
        if options.rank == 0 { for note in source.notes + plan.notes { monitor.report(.note(note)) } }
        if let warning = options.frames.warning(fps: plan.fps) { monitor.report(.note(warning)) }
        let short = files.plan.videos.reduce(0) { $0 + $1.segments.count { $0.frameIDs.count < 2 } }
        if short > 0 { monitor.report(.note("\(short) segments have one frame; LingBot-VA's reader needs two")) }
        for item in files.plan.leftOut { monitor.report(.leftOut(item)) }
    }

    /// Encodes the texts, whose encoder then leaves memory, and with their vectors the videos.
    private func encode(
        _ work: ExtractionWork, into files: LatentFiles, with networks: ExtractionNetworks
    ) throws -> VideoEncoding.Outcome {
        guard !work.texts.isEmpty else { return VideoEncoding.Outcome() }
        let vectors = try TextVectors(
            work.texts, weights: networks.textEncoder, padding: options.textPadding, on: openBackend()
        ) { [monitor] block, count in
            monitor.report(.text(block: block, of: count))
            try monitor.requireGoingOn()
        }
        if let path = work.emptyText, let tensor = vectors.vectors(of: "") {
            try TorchFile.write(.tensor(TorchTensor(tensor)), to: path)
            monitor.report(.wrote(path: path))
        }
        return try VideoEncoding.run(
            work.videos, files: files, encoder: networks.encoder, vectors: vectors, monitor: monitor)
    }

    /// Decodes all latents of the plan again, those of earlier runs too, where that is asked for.
    private func verify(
        _ files: LatentFiles, _ networks: ExtractionNetworks
    ) throws -> [ExtractionSummary.Quality] {
        guard options.verifies || options.preview != nil else { return [] }
        let verifier = try LatentVerifier(
            networks.vae, dataset: source.dataset, preview: options.preview, on: networks.backend)
        for video in files.plan.videos {
            for segment in video.segments {
                try monitor.requireGoingOn()
                guard let record = files.record(segment, of: video.camera) else { continue }
                do {
                    try verifier.verify(record, of: video, segment: segment)
                } catch let error as DataError {
                    // A file that an earlier run made, of a video that is gone now.
                    monitor.report(.note("cannot verify \(segment.path): \(error)"))
                }
            }
        }
        return options.verifies ? verifier.quality : []
    }
}
