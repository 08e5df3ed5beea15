import DataCore
import Datasets
import Foundation
import Video

extension DatasetFormat {
    public static let plainVideo = DatasetFormat(
        name: "plain video", takesCorrections: true, recognises: { ClipFolder.exists(at: $0) },
        open: { path, request in
            if let filter = request.filter {
                throw DataError.invalidField(
                    path: path, line: nil, field: "filter_key", expected: "an HDF5 dataset with such a list",
                    got: filter)
            }
            return try PlainVideoDataset(
                path: path, name: request.name, fps: request.fps, splitsAtCuts: request.splitsAtCuts,
                orientation: request.orientation, channelOrder: request.channelOrder, cacheFolder: request.cacheFolder)
        })
}

extension PlainVideoDataset: RobotDataset {
    public var facts: DatasetFacts {
        var seen: Set<String> = []
        return DatasetFacts(
            format: "plain video", tasks: episodes.compactMap(\.text).filter { seen.insert($0).inserted })
    }

    /// Which frames of the files the episodes are, as a number.
    public var selection: String {
        let hash = episodes.reduce(into: UInt64(0xCBF2_9CE4_8422_2325)) { hash, episode in
            for number in [episode.clip, episode.start, episode.length] {
                hash = (hash ^ UInt64(bitPattern: Int64(number))) &* 0x100_0000_01B3
            }
        }
        return "\(episodes.count) episodes at \(fps) frames/s, \(String(hash, radix: 16))"
    }

    public var sourceFiles: [String] { clips.map(\.path) }
    public var episodeCount: Int { episodes.count }

    public func episode(_ position: Int) -> RobotEpisode {
        let episode = episodes[position]
        return RobotEpisode(
            index: position, length: episode.length, tasks: episode.text.map { [$0] } ?? [],
            origin: clips[episode.clip].name)
    }

    // MARK: Cameras

    public var cameras: [Camera] { [Self.camera] }

    public func pictureFiles(of camera: Camera, _ readers: SharedReaders) -> PictureFiles {
        let clips = clips
        return PictureFiles(
            fileOfEpisode: episodes.map(\.clip),
            locality: FileLocality(framesPerKeyframe: { clips[$0].video?.framesPerKeyframe ?? 1 }))
    }

    public func readingCost(of camera: Camera) -> (files: Int, pixels: Int) {
        (clips.count, clips.map { $0.width * $0.height }.max() ?? 0)
    }

    public func frames(of camera: Camera, look: CameraLook, from readers: SharedReaders) throws -> any FrameProvider {
        PlainFrameReader(self, look: look, readers: readers)
    }

    public func look(of camera: Camera, flip: FrameOrientation?, order: ChannelOrder?) -> CameraLook {
        CameraLook(
            flip: flip ?? orientation ?? .asStored, exchangesRedAndBlue: (order ?? channelOrder) == .bgr)
    }

    /// Videos of which some are turned and which differ in size may have been recorded so; or some have lost their display
    /// matrix on their way, and lie on their side. Nobody but their owner knows.
    public func notes(on camera: Camera, flip: FrameOrientation?, order: ChannelOrder?) throws -> [LookNote] {
        let turned = clips.filter { !$0.turn.isIdentity }
        guard let first = turned.first else { return [] }
        let what =
            "pictures of \(turned.count) of \(clips.count) videos are turned, as their display matrices say; first "
            + "\(first.name): \(first.turn.description), \(first.size)"
        let others = clips.filter { $0.turn != first.turn && $0.size != first.size }
        guard let other = others.first else { return [LookNote(what)] }
        return [
            LookNote(
                what
                    + "; \(others.count) others are of another size (first: \(other.name): \(other.size)): make sure with "
                    + "lam inspect --pairs that all are upright", isWarning: true)
        ]
    }

    // MARK: Checks

    public func prepared(
        for cameras: [Camera], onBadSample: BadSampleOption
    ) throws -> (dataset: any RobotDataset, notes: [[String]]) {
        guard let first = faults.first else { return (self, cameras.map { _ in [] }) }
        guard onBadSample == .skip else { throw first }
        let note =
            "\(faults.count) of \(found) videos cannot be used and are left out, as data.on_bad_sample says; the first: "
            + "\(first)"
        return (self, cameras.map { _ in [note] })
    }

    public func report(on camera: Camera, onBadSample: BadSampleOption) throws -> CameraReport {
        // The picture decides; what a header says of its size may be wrong.
        let size = try frames(of: camera, from: SharedReaders()).sizes(episode: 0, frames: [0])[0]
        let codecs = Set(clips.map { $0.video?.codec ?? "pictures" }).sorted()
        return CameraReport(
            camera, size: size, files: clips.count, codec: codecs.joined(separator: ", "),
            framesPerKeyframe: clips.compactMap { $0.video == nil ? 1 : $0.video?.longestGroup }.max())
    }

    public func requirePictures(of camera: Camera) throws { if let first = faults.first { throw first } }
}
