import Foundation
import LAMData
import WanVAE

/// Encodes videos one after the other, each decoded once: a frame goes to every open segment that takes it.
struct VideoEncoding {
    /// What came of the videos.
    struct Outcome {
        /// Files that were written.
        var written = 0
        var leftOut: [LeftOut] = []
    }

    private let files: LatentFiles
    private let encoder: WanVAEEncoder
    private let vectors: TextVectors
    private let monitor: ExtractionMonitor
    private var progress = ExtractionProgress(segments: 0, totalSegments: 0, frames: 0, totalFrames: 0, seconds: 0)
    private var outcome = Outcome()
    private let start = ContinuousClock.now

    private init(
        _ files: LatentFiles, encoder: WanVAEEncoder, vectors: TextVectors, monitor: ExtractionMonitor
    ) {
        (self.files, self.encoder, self.vectors, self.monitor) = (files, encoder, vectors, monitor)
    }

    /// - Throws: `ExtractionError.interrupted`; `FormatError` where a file cannot be written. Faults of videos are part of
    ///   the outcome.
    static func run(
        _ videos: [ExtractionPlan.Video], files: LatentFiles, encoder: WanVAEEncoder, vectors: TextVectors,
        monitor: ExtractionMonitor
    ) throws -> Outcome {
        var encoding = VideoEncoding(files, encoder: encoder, vectors: vectors, monitor: monitor)
        encoding.progress.totalSegments = videos.reduce(0) { $0 + $1.segments.count }
        encoding.progress.totalFrames = videos.reduce(0) { $0 + $1.frameCount }
        let readers = SharedReaders(checksDamage: true)
        for video in videos {
            let before = encoding.progress
            var done: Set<String> = []
            do {
                let reader = try files.dataset.frames(of: video.camera, from: readers)
                try encoding.encode(video, reader, done: &done)
            } catch let error as DataError {
                let isMissing = if case .missingVideo = error { true } else { false }
                for segment in video.segments where !done.contains(segment.path) {
                    encoding.leaveOut(
                        video.leftOut(segment, isMissing ? .missingVideo : .badVideo, reason: error.description))
                }
            } catch let fault as LeftOut.Fault {
                for segment in video.segments {
                    encoding.leaveOut(video.leftOut(segment, fault.cause, reason: fault.reason))
                }
            }
            // What was left out will not be waited for.
            encoding.progress.frames = before.frames + video.frameCount
            encoding.progress.segments = before.segments + video.segments.count
        }
        return encoding.outcome
    }

    private mutating func encode(
        _ video: ExtractionPlan.Video, _ reader: any FrameProvider, done: inout Set<String>
    ) throws {
        var open: [SegmentEncoder] = []
        var waiting = video.segments.sorted { $0.frameIDs[0] < $1.frameIDs[0] }[...]
        var size: (height: Int, width: Int)?
        for frame in Set(video.segments.flatMap(\.frameIDs)).sorted() {
            try monitor.requireGoingOn()
            let image = try reader.frames(episode: video.position, frames: [frame])[0]
            let target = try size ?? self.size(of: image, video.camera)
            size = target
            while let next = waiting.first, next.frameIDs[0] == frame {
                open.append(SegmentEncoder(next, encoder, partFrames: Self.partFrames(target)))
                waiting.removeFirst()
            }
            for place in open.indices {
                while open[place].takes(frame) {
                    open[place].push(
                        image.pixels, frameHeight: image.height, frameWidth: image.width, size: target)
                    progress.frames += 1
                }
            }
            for finished in open where finished.isComplete {
                try write(finished, video.camera)
                done.insert(finished.segment.path)
                progress.segments += 1
            }
            open.removeAll(where: \.isComplete)
            progress.seconds = (ContinuousClock.now - start) / .seconds(1)
            monitor.report(.frames(progress))
        }
    }

    /// - Throws: `LeftOut.Fault` for a size that cannot be encoded.
    private func size(of image: RGBImage, _ camera: Camera) throws -> (height: Int, width: Int) {
        if let reason = files.options.fault(of: camera.key, width: image.width, height: image.height) {
            throw LeftOut.Fault(cause: .badSize, reason: reason)
        }
        return files.options.size(of: camera.key) ?? (image.height, image.width)
    }

    /// Large frames go through the encoder fewer at a time, which bounds memory.
    private static func partFrames(_ size: (height: Int, width: Int)) -> Int {
        size.height * size.width <= 1 << 17 ? WanVAEEncoder.defaultPartFrames : 4
    }

    private mutating func write(_ finished: SegmentEncoder, _ camera: Camera) throws {
        let segment = finished.segment
        guard let text = vectors.vectors(of: segment.entry.text),
            let header = files.header(
                segment, of: camera, height: finished.height, width: finished.width, textRows: text.shape[0])
        else { preconditionFailure("a segment of \(finished.height) x \(finished.width) without a text") }
        let folder = URL(fileURLWithPath: segment.path).deletingLastPathComponent().path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try LatentRecord(header, latent: finished.latents(), textVectors: text).write(to: segment.path)
        outcome.written += 1
        monitor.report(.wrote(path: segment.path))
    }

    private mutating func leaveOut(_ item: LeftOut) {
        outcome.leftOut.append(item)
        monitor.report(.leftOut(item))
    }
}

extension LeftOut {
    /// What is wrong with all segments of a video.
    fileprivate struct Fault: Error {
        let cause: Cause
        let reason: String
    }
}
