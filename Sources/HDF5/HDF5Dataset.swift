import DataCore
import Formats
import Datasets
import Foundation
import Video

/// A dataset of HDF5 files: LIBERO, robomimic and Isaac Lab (episodes `data/demo_*`), or ALOHA, RoboMIND and RoboTwin (an
/// episode per file).
///
/// Opening looks at every episode's length and cameras; no picture is read. SPEC_LEROBOT §6.
///
///     let dataset = try HDF5Dataset(path: "/data/libero_goal", name: "libero_goal")
///     let reader = try HDF5FrameReader(dataset: dataset, camera: dataset.cameras[0])
///     let images = try reader.frames(episode: 0, frames: [12, 21])
public struct HDF5Dataset: Sendable {
    public enum Layout: String, Sendable, Codable {
        case robomimic = "LIBERO/robomimic"
        case aloha = "ALOHA"
        case roboMIND = "RoboMIND"
        case roboTwin = "RoboTwin"
    }

    /// One recorded episode.
    public struct Episode: Sendable, Equatable, Codable {
        /// Place in `files`.
        public let file: Int
        /// Absolute path in the file of the group that holds it, without a slash at the end.
        public let group: String
        /// Frames, at least 1.
        public let length: Int
        public let task: String
    }

    public let name: String
    /// The file, or the folder of the files.
    public let root: String
    public let layout: Layout
    /// Frames per second.
    public let fps: Double
    /// In natural order.
    public let files: [String]
    /// In the order of the files, within one by number.
    public let episodes: [Episode]
    /// Cameras that all episodes have; `observation.images.` and the name in the file.
    public let cameras: [Camera]
    /// Whether pictures are stored as they are to be seen.
    public let orientation: FrameOrientation
    /// Below an episode's group, by camera.
    private let cameraObjects: [String: String]
    /// Which of red and blue encoded pictures have first, and why.
    let encodedOrder: HDF5Contents.Order
    /// Why they are turned; nil for pictures as stored and where the caller said so.
    let orientationReason: String?
    /// The list that the episodes were chosen by.
    let filter: String?
    /// Which of red and blue pictures have first; nil: as is usual.
    let chosenOrder: ChannelOrder?
    /// What was assumed of all cameras, in whole sentences.
    public let notes: [String]
    /// Frames per chunk of the first episode, by camera.
    let framesPerChunk: [String: Int]
    /// Width, height of the first episode's pictures; nil for encoded ones.
    let sizes: [String: HDF5Contents.Size]
    /// Arrays of the first episode besides pictures.
    let arrays: [HDF5Column]
    /// Arrays of the first episode that no dataset has a place for, with what they are.
    public let leftOut: [String]
    /// Of those, why some are refused, by object.
    private let refused: [HDF5Contents.Refusal]

    /// - Parameters:
    ///   - path: an HDF5 file, or a folder of such.
    ///   - name: by which rules and messages know it.
    ///   - fps: overrides what the files tell.
    ///   - orientation: overrides what the files tell.
    ///   - channelOrder: overrides what is usual.
    ///   - filter: takes the episodes of this list in the files' `/mask` only.
    /// - Throws: `DataError`.
    public init(
        path: String, name: String, fps: Double? = nil, orientation: FrameOrientation? = nil,
        channelOrder: ChannelOrder? = nil, filter: String? = nil
    ) throws {
        let root = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        files = try Self.files(at: root)
        guard let first = files.first else { throw DataError.noEpisodes(dataset: name, root: root) }
        var episodes: [Episode] = []
        var opened: HDF5Contents?
        var empty: [String] = []
        for (place, file) in files.enumerated() {
            let contents = try HDF5Service.contents(of: file, number: place, filter: filter)
            empty += contents.emptyEpisodes.map { "\(file): \($0)" }
            guard !contents.episodes.isEmpty else { continue }
            episodes += contents.episodes
            guard var known = opened else {
                opened = contents
                continue
            }
            func require(_ what: String, _ value: (HDF5Contents) -> String) throws {
                guard value(known) != value(contents) else { return }
                throw DataError.mixedHDF5(
                    dataset: name, what: what, first: value(known), firstPath: first, second: value(contents),
                    secondPath: file)
            }
            try require("layout") { $0.layout.rawValue }
            if Set(known.cameraNames).isDisjoint(with: contents.cameraNames) {
                try require("cameras") { $0.cameraNames.joined(separator: ", ") }
            }
            try require("orientation") { $0.orientation.rawValue }
            if contents.sizes.count < contents.cameraNames.count {
                try require("order of red and blue") { $0.encodedOrder.order.rawValue }
            }
            if fps == nil { try require("frames per second") { $0.fps.map { "\($0)" } ?? "none" } }
            known.keepWhatIsIn(contents, of: file)
            opened = known
        }
        guard let opened, !episodes.isEmpty else { throw DataError.noEpisodes(dataset: name, root: root) }
        guard let rate = fps ?? opened.fps ?? opened.usualRate?.fps else {
            throw DataError.unknownRate(dataset: name, path: first)
        }
        var notes: [String] = []
        if fps == nil, opened.fps == nil, let usual = opened.usualRate {
            notes.append(
                "the files do not tell their rate: \(usual.kind), "
                    + "\((usual.fps * 100).rounded() / 100) frames/s, is taken".replacingOccurrences(
                        of: ".0 ", with: " "))
        }
        if let first = empty.first {
            notes.append("\(empty.count) episodes have no frames, and are left out; the first: \(first)")
        }
        if !opened.filters.isEmpty {
            let lists = opened.filters.map { "\($0.name) (\($0.episodes.count))" }.joined(separator: ", ")
            notes.append("lists of episodes in /mask: \(lists); data.filter_key takes \(filter ?? "all")")
        }
        self.notes = notes
        chosenOrder = channelOrder
        self.filter = filter
        (self.name, self.root, self.episodes, self.fps) = (name, root, episodes, rate)
        layout = opened.layout
        cameras = opened.cameraNames.map { Camera(key: Camera.prefix + $0, kind: .image) }
        self.orientation = orientation ?? opened.orientation
        orientationReason = orientation == nil ? opened.orientationReason : nil
        framesPerChunk = opened.framesPerChunk
        cameraObjects = opened.cameraObjects
        encodedOrder = opened.encodedOrder
        sizes = opened.sizes
        arrays = opened.columns
        leftOut = opened.leftOut
        refused = opened.refused
    }

    public var totalFrames: Int { episodes.reduce(0) { $0 + $1.length } }

    /// The instructions, each once, in the order of the episodes.
    public var tasks: [String] {
        var seen: Set<String> = []
        return episodes.map(\.task).filter { seen.insert($0).inserted }
    }

    /// As `RobotDataset` says it; of a camera that was left out, why.
    public func camera(preferred: String?) throws -> Camera {
        guard let preferred else { return try cameras.onlyColor(of: name) }
        if let camera = cameras.first(where: { $0.isNamed(preferred) }) { return camera }
        let bare = preferred.hasPrefix(Camera.prefix) ? preferred.dropFirst(Camera.prefix.count) : preferred[...]
        throw refused.first { $0.object.hasSuffix("/\(bare)") }?.fault.error
            ?? DataError.unknownCamera(dataset: name, camera: preferred, cameras: cameras.map(\.key))
    }

    /// Absolute path in its file of an episode's pictures.
    func pictures(of episode: Episode, camera: Camera) -> String {
        guard let object = cameraObjects[camera.key] else {
            preconditionFailure("\(camera.key) is no camera of \(name): \(cameras.map(\.key))")
        }
        return episode.group + object
    }

    // MARK: Finding

    private static let endings = ["hdf5", "h5"]
    private static let deepest = 8

    /// Whether there is an HDF5 file at `path` or below it.
    public static func exists(at path: String) -> Bool {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return false }
        return isFolder.boolValue ? hasFile(below: path, depth: 0) : hasEnding(path)
    }

    /// Ends at the first file that is found: folders of datasets are large.
    private static func hasFile(below folder: String, depth: Int) -> Bool {
        guard let listing = try? FolderListing(folder) else { return false }
        let visible = listing.names.filter { !$0.hasPrefix(".") }
        return visible.contains { hasEnding($0) } || listing.foreign.contains { hasEnding($0.name) }
            || depth < deepest && visible.contains { hasFile(below: "\(folder)/\($0)", depth: depth + 1) }
    }

    private static func hasEnding(_ path: String) -> Bool {
        endings.contains(URL(fileURLWithPath: path).pathExtension.lowercased())
    }

    private static func files(at path: String) throws -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw DataError.missingFile(path: path, purpose: "an HDF5 file or a folder of such")
        }
        return isFolder.boolValue ? try files(below: path, depth: 0) : [path]
    }

    private static func files(below folder: String, depth: Int) throws -> [String] {
        let listing = try FolderListing(folder)
        if let odd = listing.foreign.first(where: { !$0.name.hasPrefix(".") && ($0.isFolder || hasEnding($0.name)) }) {
            throw DataError.foreignName(odd, in: folder)
        }
        let visible = listing.names.filter { !$0.hasPrefix(".") }
        return try visible.sorted(by: NaturalOrder.precedes).flatMap { name -> [String] in
            let path = "\(folder)/\(name)"
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return [] }
            guard isFolder.boolValue else { return hasEnding(path) ? [path] : [] }
            return depth < deepest ? try files(below: path, depth: depth + 1) : []
        }
    }
}
