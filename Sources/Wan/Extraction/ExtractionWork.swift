import Foundation
import LAMData
import Tensor
import Text
import WanVAE

/// What is left to do of a plan.
struct ExtractionWork {
    /// Files that an earlier run has finished.
    let complete: Set<String>
    /// Files that are there and are made anew.
    let replaced: Int
    let videos: [ExtractionPlan.Video]
    /// Only those that the videos need, and the empty one where that is wanted.
    let texts: TokenizedTexts
    /// Where the vectors of an empty text go; nil where nobody asks for them or they are there.
    let emptyText: String?

    init(_ files: LatentFiles, tokenizer: UnigramTokenizer) {
        let (complete, others) = files.complete()
        (self.complete, replaced) = (complete, others)
        videos = files.plan.videos.compactMap { $0.keeping { !complete.contains($0.path) } }
        let needed = Set(videos.flatMap { $0.segments.map(\.text) })
        var texts = files.texts.filter { needed.contains($0.key) }
        let options = files.options
        let path = options.dataset + "/empty_emb.pt"
        let isWanted =
            options.writesEmptyText && options.rank == 0
            && (options.overwrites || !FileManager.default.fileExists(atPath: path))
        emptyText = isWanted ? path : nil
        if isWanted { texts[[]] = tokenizer.ids(of: "") }
        self.texts = texts
    }

    /// The size of the work, with an estimate of its time.
    func outline(_ files: LatentFiles, _ encoder: WanVAEEncoder) -> ExtractionOutline {
        var flops = 0.0
        for video in videos {
            let size = files.options.size(of: video.camera.key) ?? files.source.size(of: video.camera)
            for segment in video.segments {
                flops += encoder.flops(frames: segment.frameIDs.count, height: size.height, width: size.width)
            }
        }
        let plan = files.plan
        return ExtractionOutline(
            episodes: plan.episodes, cameras: plan.cameras.map(\.key), segments: plan.segmentCount,
            complete: complete.count, leftOut: plan.leftOut.count, frames: videos.reduce(0) { $0 + $1.frameCount },
            texts: texts.count, tokens: texts.values.reduce(0) { $0 + $1.count }, teraflop: flops / 1e12,
            estimatedSeconds: flops > 0 ? flops / Self.rate(encoder) : 0, backend: encoder.backend.summary)
    }

    /// Operations a second over one frame of 128 x 128, the second time.
    private static func rate(_ encoder: WanVAEEncoder) -> Double {
        let side = 128
        let frame = [UInt8](repeating: 127, count: side * side * 3)
        var seconds = 0.0
        for _ in 0..<2 {
            let start = ContinuousClock.now
            var clip = WanVAEEncoder.Clip(encoder)
            let patches = FramePatches.patches([frame], height: side, width: side, on: encoder.backend)
            _ = encoder.backend.floats(clip.moments(patches))
            seconds = (ContinuousClock.now - start) / .seconds(1)
        }
        return encoder.flops(frames: 1, height: side, width: side) / max(seconds, 1e-6)
    }
}
