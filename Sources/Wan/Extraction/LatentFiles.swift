import Foundation
import LAMData
import WanVAE

/// The files of latents of a plan: what their headers say, which of them are there, and whose they are.
struct LatentFiles {
    let options: ExtractionOptions
    let plan: ExtractionPlan
    let texts: TokenizedTexts
    let source: ExtractionSource
    var dataset: any RobotDataset { source.dataset }

    /// The header of a segment whose frames have a given size; nil if they must not.
    func header(
        _ segment: ExtractionPlan.Segment, of camera: Camera, height: Int, width: Int, textRows: Int
    ) -> LatentRecord.Header? {
        if let size = options.size(of: camera.key), size != (height, width) { return nil }
        guard height % WanVAEEncoder.patch == 0, width % WanVAEEncoder.patch == 0 else { return nil }
        return LatentRecord.Header(
            segment: (segment.entry.startFrame, segment.entry.endFrame, segment.entry.text),
            frameIDs: segment.frameIDs, videoHeight: height, videoWidth: width,
            fps: options.frames.targetFPS ?? plan.fps, originalFPS: plan.fps, textRows: textRows)
    }

    /// A segment's file; nil where there is none, or one that is damaged or was made with other options.
    func record(_ segment: ExtractionPlan.Segment, of camera: Camera) -> LatentRecord? {
        guard isThere(segment.path) else { return nil }
        let tokens = texts[segment.text]?.count ?? 0
        let rows = options.textPadding == .full ? ExtractionOptions.tokenLimit : tokens
        return LatentRecord(path: segment.path) { height, width in
            header(segment, of: camera, height: height, width: width, textRows: rows)
        }
    }

    /// Paths of the files that an earlier run has finished, and how many others are there, which are made anew.
    func complete() -> (paths: Set<String>, others: Int) {
        guard !options.overwrites else { return ([], 0) }
        var paths: Set<String> = []
        var others = 0
        for video in plan.videos {
            for segment in video.segments where isThere(segment.path) {
                if record(segment, of: video.camera) != nil {
                    paths.insert(segment.path)
                } else {
                    others += 1
                }
            }
        }
        return (paths, others)
    }

    /// Refuses to mix latents of other weights, or of another program, with those of this run.
    func requireOwn(_ manifest: ExtractionManifest) throws {
        guard !options.overwrites else { return try removeOld(manifest) }
        if let earlier = try ExtractionManifest.read(dataset.root) { return try manifest.requireSame(as: earlier) }
        let paths = plan.videos.lazy.flatMap { $0.segments.lazy.map(\.path) }
        if let path = paths.first(where: isThere), options.rank == 0 {
            throw ExtractionError.otherLatents(
                path: path, field: "manifest.json", expected: "one of an earlier run beside the latents", got: "none")
        }
    }

    /// Removes what this run makes anew, so that whoever goes on after an interruption takes no old file for a new one.
    private func removeOld(_ manifest: ExtractionManifest) throws {
        let planned = Set(plan.videos.flatMap { $0.segments.map(\.path) })
        let earlier = try? ExtractionManifest.read(dataset.root)
        if options.rankCount == 1, let earlier {
            do throws(ExtractionError) { try manifest.requireSame(as: earlier) } catch {
                // Files that stay would belong to a manifest that says something else of them.
                let folder = dataset.root + "/latents"
                let files = (FileManager.default.subpaths(atPath: folder) ?? []).filter { $0.hasSuffix(".pth") }
                guard files.allSatisfy({ planned.contains("\(folder)/\($0)") }) else { throw error }
            }
        }
        for path in planned where isThere(path) { try FileManager.default.removeItem(atPath: path) }
    }

    private func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
