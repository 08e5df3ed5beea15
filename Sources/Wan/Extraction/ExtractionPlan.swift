import LAMData

/// What an extraction will do: videos, their segments and frames, and what is left out from the beginning.
public struct ExtractionPlan: Sendable {
    /// A segment of one video.
    public struct Segment: Sendable, Hashable {
        public let entry: ActionSegment
        /// Frames of the episode, ascending.
        public let frameIDs: [Int]
        /// Where its latents go.
        public let path: String

        var name: String { "\(entry.startFrame)_\(entry.endFrame)" }
    }

    /// An episode of one camera with its segments: what is decoded in one pass.
    public struct Video: Sendable {
        /// Position in the dataset's episodes.
        public let position: Int
        public let episode: Int
        public let camera: Camera
        public var segments: [Segment]
    }

    public internal(set) var videos: [Video] = []
    public internal(set) var leftOut: [LeftOut] = []
    /// Frames per second of the recording, as an integer.
    public let fps: Int
    public let cameras: [Camera]
    /// Episodes that were asked for.
    public let episodes: Int
    /// What a user should know of the cameras' pictures.
    let notes: [String]
    /// Why no pictures of a camera can be encoded.
    private var faults: [String: String] = [:]

    /// - Throws: `ExtractionError.noEpisodes`; `DataError`; `ParquetError`.
    init(_ source: ExtractionSource, _ options: ExtractionOptions) throws {
        let dataset = source.dataset
        if let keys = options.videoKeys {
            cameras = try keys.map { try dataset.camera(preferred: $0) }
        } else {
            cameras = source.cameras
        }
        if let depth = cameras.first(where: { !$0.content.isColor }) {
            throw DataError.depthCamera(
                dataset: dataset.name, camera: depth.key,
                purpose: "latents are of colour pictures; expected another camera")
        }
        // Cameras are folders of the result.
        if let camera = cameras.first(where: { $0.key == "." || $0.key == ".." }) {
            throw DataError.unknownCamera(
                dataset: dataset.name, camera: camera.key, cameras: source.known.map(\.key))
        }
        guard !cameras.isEmpty else {
            guard source.known.isEmpty else {
                throw DataError.noColorCamera(dataset: dataset.name, cameras: source.known.map(\.key))
            }
            throw DataError.noCameras(dataset: dataset.name)
        }
        // Single videos that are missing or too short are left out; what would be read wrongly is refused.
        for camera in cameras { try source.requireDistinctFrames(camera: camera) }
        let findings = cameras.map { source.findings(camera: $0) }
        notes = findings.flatMap(\.notes)
        fps = source.fps
        var positions = Array(0..<dataset.episodeCount)
        if let wanted = options.episodes {
            let known = Set(positions.map { dataset.episode($0).index })
            let unknown = wanted.subtracting(known).sorted()
            guard unknown.isEmpty else {
                throw ExtractionError.noEpisodes(
                    dataset: dataset.root, asked: unknown.prefix(10).map(String.init).joined(separator: ", "))
            }
            positions = positions.filter { wanted.contains(dataset.episode($0).index) }
        }
        if let maximum = options.maximumEpisodes { positions = Array(positions.prefix(maximum)) }
        episodes = positions.count
        // Files that were passed over on opening: whoever counts latents must not take them for all.
        if let camera = cameras.first, !(dataset is LeRobotDataset) {
            do { try dataset.requirePictures(of: camera) } catch {
                leftOut.append(LeftOut(.badVideo, episode: -1, reason: "\(error)"))
            }
        }
        // Before texts are encoded for them; a video of another size than the first is found when it is read.
        for camera in cameras {
            guard let report = try? dataset.report(on: camera, onBadSample: .skip) else { continue }
            faults[camera.key] = options.fault(of: camera.key, width: report.width, height: report.height)
        }
        for position in positions {
            let episode = dataset.episode(position)
            guard let configured = source.segments[episode.index], !configured.isEmpty else {
                leftOut.append(
                    LeftOut(
                        .noActionConfig, episode: episode.index, reason: "expected \(source.wanted)"))
                continue
            }
            add(position, of: episode, configured, in: source, options)
        }
        for (camera, found) in zip(cameras, findings) {
            for video in videos where video.camera == camera && found.odd.contains(video.position) {
                leftOut += video.segments.map {
                    video.leftOut($0, .badVideo, reason: "its pictures lie otherwise than those of the camera's others")
                }
            }
            videos.removeAll { $0.camera == camera && found.odd.contains($0.position) }
        }
        videos = videos.enumerated().filter { $0.offset % options.rankCount == options.rank }.map(\.element)
        // All ranks find the same faults here; one of them reports them.
        if options.rank > 0 { leftOut = [] }
    }

    private mutating func add(
        _ position: Int, of episode: RobotEpisode, _ entries: [ActionEntry], in source: ExtractionSource,
        _ options: ExtractionOptions
    ) {
        var segments: [ActionSegment] = []
        for entry in entries {
            switch entry {
            case .malformed(let reason):
                leftOut.append(LeftOut(.badSegment, episode: episode.index, reason: reason))
            case .segment(let segment):
                if let reason = Self.fault(
                    segment, length: episode.length, repeats: (options.frames.targetFPS ?? 0) / fps + 1)
                {
                    leftOut.append(
                        LeftOut(
                            .badSegment, episode: episode.index,
                            segment: "\(segment.startFrame)_\(segment.endFrame)", reason: reason))
                } else if segments.contains(where: {
                    $0.startFrame == segment.startFrame && $0.endFrame == segment.endFrame
                }) {
                    leftOut.append(
                        LeftOut(
                            .badSegment, episode: episode.index,
                            segment: "\(segment.startFrame)_\(segment.endFrame)",
                            reason: "the same frames have a segment already, and would have the same file"))
                } else {
                    segments.append(segment)
                }
            }
        }
        guard !segments.isEmpty else { return }
        let chunk = Self.padded(episode.index / source.chunkSize, to: 3)
        for camera in cameras {
            if let reason = faults[camera.key] {
                leftOut += segments.map {
                    LeftOut(
                        .badSize, episode: episode.index, camera: camera.key,
                        segment: "\($0.startFrame)_\($0.endFrame)", reason: reason)
                }
                continue
            }
            let folder = "\(source.dataset.root)/latents/chunk-\(chunk)/\(camera.key)"
            videos.append(
                Video(
                    position: position, episode: episode.index, camera: camera,
                    segments: segments.map { segment in
                        let frames = options.frames.frames(
                            start: segment.startFrame, end: segment.endFrame, fps: fps)
                        let name =
                            "episode_\(Self.padded(episode.index, to: 6))_\(segment.startFrame)_\(segment.endFrame)"
                        return Segment(entry: segment, frameIDs: frames, path: "\(folder)/\(name).pth")
                    }))
        }
    }

    /// - Parameter repeats: how often a frame may be taken.
    private static func fault(_ segment: ActionSegment, length: Int, repeats: Int) -> String? {
        if segment.startFrame < 0 { return "start_frame \(segment.startFrame) is negative" }
        if segment.endFrame <= segment.startFrame {
            return "end_frame \(segment.endFrame) is not behind start_frame \(segment.startFrame)"
        }
        if segment.endFrame > length {
            return "end_frame \(segment.endFrame) is beyond the episode's \(length) frames"
        }
        let limit = ExtractionOptions.longestSegment
        return segment.endFrame - segment.startFrame > limit / max(1, repeats)
            ? "a segment has at most \(limit / max(1, repeats)) frames" : nil
    }

    private static func padded(_ number: Int, to width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    public var segmentCount: Int { videos.reduce(0) { $0 + $1.segments.count } }
    /// Frames that are encoded, those that the VAE drops included.
    public var frameCount: Int { videos.reduce(0) { $0 + $1.segments.reduce(0) { $0 + $1.frameIDs.count } } }
}
