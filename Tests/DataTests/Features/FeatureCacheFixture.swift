import Foundation
import LAMData
import TestSupport

/// Small feature caches over made-up datasets, in a folder of one test.
struct FeatureCacheFixture {
    let folder: TemporaryFolder
    let root: String
    var patches = 3
    var width = 5

    static let lengths = [4, 7, 3]

    init() throws {
        folder = try TemporaryFolder()
        root = folder.path("cache")
    }

    static func source(_ name: String = "droid_a", lengths: [Int] = lengths) -> StreamSource {
        FakeFrames.source(name: name, weight: 1, lengths: lengths)
    }

    static func options(_ change: (inout StreamOptions) -> Void = { _ in }) -> StreamOptions {
        var options = StreamOptions(datasetMix: [])
        options.batchSize = 5
        options.resolution = 8
        options.bufferSize = 20
        options.numWorkers = 2
        options.imageAug = false
        change(&options)
        return options
    }

    /// Every frame of a source, by its place in the mix.
    static func frames(of source: StreamSource, dataset: Int = 0) -> [FrameReference] {
        source.episodes.indices.flatMap { episode in
            (0..<source.episodes[episode].length).map {
                FrameReference(dataset: dataset, episode: episode, frame: $0)
            }
        }
    }

    func open(
        _ sources: [StreamSource] = [source()], encoder: String = "encoder 1", limitBytes: Int = .max,
        options: StreamOptions = options()
    ) throws -> FeatureCache {
        try FeatureCache(
            root: root, limitBytes: limitBytes, encoder: encoder, patches: patches, width: width, sources: sources,
            options: options)
    }

    /// Opens a cache, stores the features of all frames of its datasets, and lets go of it.
    @discardableResult
    func fill(
        _ sources: [StreamSource] = [source()], encoder: String = "encoder 1", limitBytes: Int = .max,
        options: StreamOptions = options()
    ) throws -> [FrameReference] {
        let cache = try open(sources, encoder: encoder, limitBytes: limitBytes, options: options)
        let frames = sources.indices.flatMap { Self.frames(of: sources[$0], dataset: $0) }
        return frames.filter { cache.store(features(of: $0), of: $0) }
    }

    /// Features that tell the frame, and `version` of it.
    func features(of frame: FrameReference, version: Int = 0) -> FrameFeatures {
        let seed = ((frame.dataset * 100 + frame.episode) * 1000 + frame.frame) * 10 + version
        var random = SplitMix(state: UInt64(seed))
        let values = (0..<patches * width).map { _ in Float.random(in: -4...4, using: &random) }
        return values.withUnsafeBufferPointer { FrameFeatures(rounding: $0) }
    }

    /// Bytes from one record of a features file to the next: whole pages of a header of 8 bytes and the bf16 values.
    var stride: Int { (8 + 2 * patches * width + 4095) / 4096 * 4096 }

    /// Names in the cache's folder, sorted.
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: root).sorted() }

    /// The only folder of the cache.
    func onlyFolder() throws -> String {
        let names = try names()
        guard names.count == 1 else { throw UnexpectedNames(names: names) }
        return "\(root)/\(names[0])"
    }

    struct UnexpectedNames: Error {
        let names: [String]
    }

    /// Bytes that the files below the cache's folder take on the disk.
    func bytesOnDisk() throws -> Int {
        let paths = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
        return paths.reduce(0) { sum, path in
            var status = stat()
            guard lstat("\(root)/\(path)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return sum }
            return sum + Int(status.st_blocks) * 512
        }
    }

    /// Sets the time of the last write of a folder's features.
    func setAge(_ folder: String, secondsSince1970 seconds: Int) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: Double(seconds))], ofItemAtPath: "\(folder)/features.bin")
    }
}
