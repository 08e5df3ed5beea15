import Formats
import Foundation
import Synchronization

/// Features of a frozen vision encoder on disk, in bf16, so that a frame is decoded and encoded once.
///
/// Each dataset of a mix has a folder of its own below the root, named for everything that its features depend on:
/// another encoder, resolution, camera or changed files mean another folder, and no old one is ever read. Any number of
/// threads and processes may use a cache at once; what a killed process leaves half-written does not count.
///
/// Bounded by bytes on the disk, all folders together. Folders that no process uses are removed when the cache is
/// opened and the present ones would not fit beside them, the oldest first. While it is used nothing is removed: a full
/// cache takes no more frames. Several processes that fill one cache may pass the bound by 64 MiB each.
public final class FeatureCache: Sendable {
    /// N, patches of a frame, and D, the width of a patch's features.
    public let patches: Int
    public let width: Int
    /// What happened on opening, a line each: folders passed over, folders removed.
    public let notes: [String]

    private let root: String
    private let limitBytes: Int
    private let stores: [FeatureStore]
    /// Number of each episode's first frame, by dataset.
    private let firstFrames: [[Int]]

    private struct Usage {
        /// Bytes on the disk, never below the truth as far as this process knows.
        var bytes: Int
        var writtenSinceLook = 0
        var isFull = false
    }
    private let usage: Mutex<Usage>

    /// Own writes after which the other processes' are looked at.
    private static let bytesBetweenLooks = 64 << 20

    /// Opens a cache, and makes its folder if there is none.
    ///
    /// - Parameters:
    ///   - limitBytes: bound on the size of everything below `root`.
    ///   - encoder: tells the encoder and its weights from all others: name, and the identity of the weights file.
    ///   - sources: the datasets of the mix, in the stream's order.
    ///   - options: the stream's; without augmentation.
    /// - Throws: `FormatError.io`.
    public init(
        root: String, limitBytes: Int, encoder: String, patches: Int, width: Int, sources: [StreamSource],
        options: StreamOptions
    ) throws {
        precondition(patches > 0 && width > 0, "features of shape [\(patches), \(width)]")
        self.root = root
        self.limitBytes = limitBytes
        self.patches = patches
        self.width = width
        firstFrames = sources.map { source in
            source.episodes.indices.reduce(into: [0]) { $0.append($0[$1] + source.episodes[$1].length) }
        }
        try Folder.create(root)
        let keys = try sources.map {
            try FeatureKey(source: $0, options: options, encoder: encoder, patches: patches, width: width)
        }
        // Before the folders of these keys exist: whether one is new decides what is worth telling.
        var notes: [String] = []
        for key in keys {
            // A dataset may be in the mix twice.
            if let note = Self.noteOnOthers(than: key, root: root), !notes.contains(note) { notes.append(note) }
        }
        stores = try zip(keys, sources).map { key, source in
            try FeatureStore(
                key: key, root: root, frames: source.episodes.reduce(0) { $0 + $1.length }, values: patches * width)
        }
        let own = Dictionary(stores.map { ($0.folder, $0.fullBytes) }) { first, _ in first }
        let needed = own.reduce(0) { $0.addingClamped(max(0, $1.value - FeatureFolder(path: $1.key).bytes)) }
        notes += FeatureFolder.removeUnused(in: root, besides: Set(own.keys), toFit: needed, within: limitBytes)
        self.notes = notes
        usage = Mutex(Usage(bytes: FeatureFolder.bytes(below: root)))
    }

    /// The features of a frame, if they are there and sound.
    public func features(of frame: FrameReference) -> FrameFeatures? {
        stores[frame.dataset].read(number(of: frame))
    }

    /// Keeps the features of a frame, unless the cache is full.
    ///
    /// - Returns: whether they are kept. False once the limit is reached or the disk takes no more.
    @discardableResult
    public func store(_ features: FrameFeatures, of frame: FrameReference) -> Bool {
        let store = stores[frame.dataset]
        guard reserve(store.stride) else { return false }
        if store.write(features, frame: number(of: frame)) { return true }
        usage.withLock { $0.isFull = true }
        return false
    }

    /// Whether frames are no longer taken.
    public var isFull: Bool { usage.withLock { $0.isFull } }

    private func number(of frame: FrameReference) -> Int {
        let first = firstFrames[frame.dataset]
        precondition(
            first.indices.contains(frame.episode + 1)
                && (0..<first[frame.episode + 1] - first[frame.episode]).contains(frame.frame),
            "frame \(frame.frame) of episode \(frame.episode) in dataset \(frame.dataset)")
        return first[frame.episode] + frame.frame
    }

    private func reserve(_ bytes: Int) -> Bool {
        usage.withLock { usage in
            guard !usage.isFull else { return false }
            if usage.writtenSinceLook >= Self.bytesBetweenLooks {
                usage.bytes = max(usage.bytes, FeatureFolder.bytes(below: root))
                usage.writtenSinceLook = 0
            }
            guard usage.bytes + bytes <= limitBytes else {
                usage.isFull = true
                return false
            }
            usage.bytes += bytes
            usage.writtenSinceLook += bytes
            return true
        }
    }

    /// One line where a dataset has no features yet under this key, but under others.
    private static func noteOnOthers(than key: FeatureKey, root: String) -> String? {
        guard !FileManager.default.fileExists(atPath: "\(root)/\(key.folderName)") else { return nil }
        let others = FeatureFolder.all(in: root).filter { folder in
            folder.key?.facts["dataset"] == key.facts["dataset"] && folder.key?.facts["camera"] == key.facts["camera"]
        }
        guard let newest = others.max(by: { $0.modified < $1.modified }), let other = newest.key else { return nil }
        return "feature cache: \(key.facts["dataset"] ?? ""): features in \(newest.path) are not used: they differ in "
            + key.differences(from: other).joined(separator: ", ")
    }
}

extension Int {
    fileprivate func addingClamped(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
