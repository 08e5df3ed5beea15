import DataCore
import Datasets
import Foundation
import Video

/// A folder of videos (mp4, mov, mkv, webm, avi) or of folders of numbered pictures, nested or not; each is an episode, or
/// several by `segments.csv` or its cuts. Nothing is known of actions.
///
/// All clips are seen at one rate: frame `f` of an episode is the picture that is on the screen `f / fps` seconds after
/// its beginning. Where a clip has that rate itself, this is its frame `f`.
///
///     let dataset = try PlainVideoDataset(path: "/data/kitchen", name: "kitchen", fps: 10)
public struct PlainVideoDataset: Sendable {
    public let name: String
    public let root: String
    public let fps: Double
    public let notes: [String]

    /// How stored pictures become upright ones, and which of red and blue they have first, where files are not believed.
    let orientation: FrameOrientation?
    let channelOrder: ChannelOrder?
    let clips: [Clip]
    let episodes: [PlainEpisode]
    /// What is wrong with clips that are left out.
    let faults: [DataError]
    /// Videos and folders that were found, whole or not.
    let found: Int

    static let camera = Camera(key: Camera.prefix + "video", kind: .video)

    /// - Parameters:
    ///   - path: a folder, or a single video.
    ///   - name: by which rules and messages know it.
    ///   - fps: the rate at which pictures are taken; nil: that of most frames. Pictures have none of their own.
    ///   - splitsAtCuts: makes every shot an episode; all videos are decoded once for this.
    ///   - orientation, channelOrder: override what the files tell.
    ///   - cacheFolder: keeps what is found out about videos; nil: every opening looks at all packets.
    ///   - threads: that read tables.
    /// - Throws: `DataError`. Clips that cannot be read are told by `prepared`, unless there are no others.
    public init(
        path: String, name: String, fps: Double? = nil, splitsAtCuts: Bool = false,
        orientation: FrameOrientation? = nil, channelOrder: ChannelOrder? = nil, cacheFolder: String? = nil,
        threads: Int = ProcessInfo.processInfo.activeProcessorCount
    ) throws {
        let path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        (self.name, root) = (name, path)
        (self.orientation, self.channelOrder) = (orientation, channelOrder)
        let folder = try ClipFolder(path, dataset: name)
        let cache = ClipCache(folder: cacheFolder, dataset: path, root: folder.root)
        let opened = try concurrentMap(folder.entries, threads: threads) { entry -> Result<Clip, DataError> in
            do {
                switch entry {
                case .video(let name): return .success(try Clip(video: name, below: folder.root, cache: cache))
                case .pictures(let name, let files):
                    return .success(try Clip(pictures: files, in: name, below: folder.root))
                }
            } catch let error as DataError {
                return .failure(error)
            }
        }
        clips = opened.compactMap { try? $0.get() }
        cache?.keep(clips)
        var faults = folder.faults
        for case .failure(let fault) in opened { faults.append(fault) }
        self.faults = faults
        found = folder.entries.count + folder.faults.count
        guard !clips.isEmpty else { throw faults.first ?? DataError.noClips(dataset: name, root: path) }
        let rate = try Self.rate(of: clips, asked: fps, dataset: name)
        self.fps = rate
        let episodes = PlainEpisodes(clips: clips, fps: rate, root: folder.root, dataset: name)
        let whole = try episodes.all(table: SegmentTable(root: folder.root), found: folder.entries)
        self.episodes = splitsAtCuts ? try episodes.split(whole.episodes, threads: threads) : whole.episodes
        guard !self.episodes.isEmpty else { throw DataError.noClips(dataset: name, root: path) }
        notes = Self.notes(on: clips, fps: rate, asked: fps) + whole.notes
    }

    /// The rate of most frames.
    private static func rate(of clips: [Clip], asked: Double?, dataset: String) throws -> Double {
        if let asked { return asked }
        if let silent = clips.first(where: { if case .pictures = $0.content { true } else { false } }) {
            throw DataError.unknownClipRate(dataset: dataset, path: silent.path)
        }
        var frames: [Double: Int] = [:]
        for clip in clips { if let rate = clip.rate { frames[rate.framesPerSecond, default: 0] += clip.frames } }
        // Of rates that are as common the higher one loses nothing.
        guard let best = frames.max(by: { ($0.value, $0.key) < ($1.value, $1.key) }) else {
            throw DataError.unknownClipRate(dataset: dataset, path: clips[0].path)
        }
        return best.key
    }

    private static func notes(on clips: [Clip], fps: Double, asked: Double?) -> [String] {
        let others = clips.filter { !$0.isByNumber(fps) }
        guard let first = others.first else { return [] }
        let rate =
            switch first.rate {
            case .constant(let rate): "\(short(rate)) frames/s"
            case .variable(let rate): "a variable rate, about \(short(rate)) frames/s"
            case nil: "one frame"
            }
        return [
            "\(others.count) of \(clips.count) videos have another rate than \(short(fps)) frames/s (first: "
                + "\(first.name): \(rate)); the picture on the screen at each time is taken"
        ]
    }

    private static func short(_ value: Double) -> String {
        let rounded = (value * 100).rounded() / 100
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }
}
