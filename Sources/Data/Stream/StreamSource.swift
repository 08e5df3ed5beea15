import DataCore
import Datasets
import Foundation
import Hub

/// One dataset of a mix, as far as the stream needs it.
public struct StreamSource: Sendable {
    /// As the mix spells it; of an absolute path the last part.
    public var name: String
    public var weight: Double
    public var fps: Double
    /// Key of the camera.
    public var camera: String
    public var episodes: [RobotEpisode]
    /// Makes a reader; called once by every worker thread.
    public var makeFrames: @Sendable () throws -> any FrameProvider
    /// The same, with a second decoder for codecs that have one.
    private var makeCheckedFrames: @Sendable () throws -> any FrameProvider
    /// What is done to the pictures, as far as features of them depend on it.
    var look = CameraLook()
    /// Which of the files' episodes they are, where they are not all.
    var selection = ""
    /// What a user should know of the dataset and its pictures, each a sentence.
    public var notes: [String] = []
    /// What a stream of the mix that this belongs to takes.
    var memory: StreamMemory?
    /// What the order of samples has to know of the files.
    package var locality = FileLocality()
    /// The files that the pictures depend on, by a name that stays when the dataset is moved.
    public var contentFiles: @Sendable () throws -> [(name: String, path: String)]
    /// The recorded actions of an episode, by its position in `episodes`: a row per frame; nil where there are none.
    public var actions: @Sendable (_ episode: Int) throws -> [[Double]]? = { _ in nil }

    public init(
        name: String, weight: Double, fps: Double, camera: String, episodes: [RobotEpisode],
        contentFiles: @escaping @Sendable () throws -> [(name: String, path: String)] = { [] },
        makeFrames: @escaping @Sendable () throws -> any FrameProvider
    ) {
        (self.name, self.weight, self.fps, self.camera) = (name, weight, fps, camera)
        (self.episodes, self.contentFiles, self.makeFrames) = (episodes, contentFiles, makeFrames)
        makeCheckedFrames = makeFrames
    }

    /// A dataset, of which one camera is taken.
    ///
    /// - Throws: `DataError`, if the camera does not exist or none is named and there are several.
    public init(
        _ dataset: some RobotDataset, weight: Double, imageKeys: [StreamOptions.ImageKey] = []
    ) throws {
        let camera = try dataset.camera(preferred: imageKeys.first(for: dataset.name)?.keys.first)
        self.init(
            dataset, weight: weight, camera: camera, look: dataset.look(of: camera, flip: nil, order: nil),
            readers: SharedReaders(pool: ReaderPool()))
    }

    /// One camera of a dataset.
    ///
    /// - Parameter readers: shared with the other datasets of a mix.
    init(
        _ dataset: some RobotDataset, weight: Double, camera: Camera, look: CameraLook, readers: SharedReaders
    ) {
        let files = dataset.pictureFiles(of: camera, readers)
        self.init(
            name: dataset.name, weight: weight, fps: dataset.fps, camera: camera.key,
            episodes: files.fileOfEpisode.enumerated().map { position, file in
                var episode = dataset.episode(position)
                episode.file = file
                return episode
            },
            contentFiles: { try dataset.contentFiles(camera: camera) },
            makeFrames: { try dataset.frames(of: camera, look: look, from: readers) })
        makeCheckedFrames = { try dataset.frames(of: camera, look: look, from: readers.checkingDamage) }
        self.look = look
        selection = dataset.selection
        actions = { try dataset.actions(episode: $0, from: readers) }
        locality = files.locality
        let positions = dataset.positions(with: camera)
        if positions.count < episodes.count { self = keeping(positions) }
    }

    /// The same source with some of its episodes only.
    ///
    /// - Parameter positions: ascending places in `episodes`.
    public func keeping(_ positions: [Int]) -> StreamSource {
        precondition(
            positions.allSatisfy(episodes.indices.contains) && zip(positions, positions.dropFirst()).allSatisfy(<),
            "\(positions.count) episodes of \(episodes.count)")
        var source = self
        source.episodes = positions.map { episodes[$0] }
        source.actions = { [actions] in try actions(positions[$0]) }
        source.makeFrames = { [makeFrames] in SelectedFrames(all: try makeFrames(), positions: positions) }
        source.makeCheckedFrames = { [makeCheckedFrames] in
            SelectedFrames(all: try makeCheckedFrames(), positions: positions)
        }
        return source
    }

    /// The same source, with frames that a second decoder finds damaged as errors.
    public var checkingDamage: StreamSource {
        var source = self
        source.makeFrames = makeCheckedFrames
        return source
    }

    /// Opens the datasets of a mix, several at a time.
    ///
    /// - Parameter hub: where datasets that are not on this disk come from; nil keeps to this disk.
    /// - Throws: `StreamError.missingDataset`; `DataError` and whatever else opening a dataset throws.
    public static func open(_ options: StreamOptions, hub: HubAccess? = nil) throws -> [StreamSource] {
        try OpenedSource.open(options, hub: hub).map(\.source)
    }
}

/// Frames of a source's chosen episodes.
private struct SelectedFrames: FrameProvider {
    let all: any FrameProvider
    let positions: [Int]

    func frames(episode: Int, frames: [Int]) throws -> [RGBImage] {
        try all.frames(episode: positions[episode], frames: frames)
    }
}
