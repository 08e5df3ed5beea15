import DataCore
import Datasets
import PixelKernels
import Randomness

/// The frames of some pairs, one after the other.
struct LoadedPairs: Sendable {
    /// What was read: the samples of the order, or what stands in their places.
    var references: [SampleReference] = []
    var skipped: [SkippedSample] = []
    /// `[3, H, W]` for each frame without features.
    var pixels: [UInt8] = []
    /// One for each frame, or none at all without a cache.
    var features: [FrameFeatures?] = []
}

/// Turns references into pictures: reads, augments, lays out. One instance per worker thread.
struct PairLoader {
    private let sources: [StreamSource]
    private let augmentation: PairAugmentation
    private let views: PairViews
    private let seed: UInt64
    private let features: FeatureCache?
    private let onBadSample: BadSampleOption
    private let blanksBadSamples: Bool
    private let pairs: [EpisodePairs]
    private var providers: [(any FrameProvider)?]
    private var resizer = ImageResizer()

    /// Tries for one sample; a dataset of fewer pairs than this is tried out with some luck.
    private static let fewestReplacements = 32
    private let maxSkips: Int

    /// - Parameters:
    ///   - pairs: of each source, from which bad samples are replaced.
    ///   - views: in which each pair is made.
    ///   - maxSkips: bad pairs in a row that another is drawn for.
    ///   - blanksBadSamples: leaves the place of one black instead.
    ///   - features: what it has is not read; only without augmentation.
    init(
        sources: [StreamSource], pairs: [EpisodePairs], augmentation: PairAugmentation, views: PairViews,
        seed: UInt64, onBadSample: BadSampleOption, maxSkips: Int, blanksBadSamples: Bool = false,
        features: FeatureCache? = nil
    ) {
        precondition(features == nil || !augmentation.imageAug, "cached features of augmented frames")
        self.sources = sources
        self.augmentation = augmentation
        self.views = views
        self.seed = seed
        self.features = features
        self.onBadSample = onBadSample
        self.maxSkips = maxSkips
        self.blanksBadSamples = blanksBadSamples
        self.pairs = pairs
        providers = Array(repeating: nil, count: sources.count)
    }

    /// The pictures of samples of one episode, in the order given.
    ///
    /// - Parameter references: At least one, all of the same dataset and episode.
    mutating func load(_ references: [SampleReference]) throws -> [LoadedPairs] {
        do {
            return try read(references)
        } catch let StreamError.unreadableFrames(_, _, _, cause as DataError) where mayReplace(cause) {
            // One by one, to find out which it is.
            return try references.map { try readOrReplace($0) }
        }
    }

    private func mayReplace(_ cause: DataError) -> Bool { onBadSample == .skip && cause.isAboutFrames }

    /// Reads a sample, or in its place pairs of the same dataset until one is sound. Which ones follows from the
    /// sample's number, so the same run shows the same samples.
    private mutating func readOrReplace(_ reference: SampleReference) throws -> LoadedPairs {
        var current = reference
        var skipped: [SkippedSample] = []
        while true {
            do {
                var loaded = try read([current])[0]
                loaded.skipped = skipped
                return loaded
            } catch let StreamError.unreadableFrames(dataset, episode, _, cause as DataError) where mayReplace(cause) {
                skipped.append(
                    SkippedSample(
                        sample: reference.sample, dataset: dataset, episode: episode,
                        frames: current.pair.frames, cause: "\(cause)"))
                if blanksBadSamples { return blank(current, skipped: skipped) }
                let own = pairs[reference.dataset]
                let limit = min(maxSkips, max(Self.fewestReplacements, own.count))
                guard skipped.count <= limit else {
                    throw StreamError.tooManySkips(limit: limit, last: skipped[skipped.count - 1])
                }
                var generator = RandomGenerator(seed: seed, purpose: "replacement", reference.sample, skipped.count)
                current.pair = own.pair(generator.integer(below: own.count), using: &generator)
            }
        }
    }

    private func blank(_ reference: SampleReference, skipped: [SkippedSample]) -> LoadedPairs {
        let count = reference.pair.frameCount
        let numbers = count * views.count * 3 * augmentation.resolution * augmentation.resolution
        return LoadedPairs(
            references: [reference], skipped: skipped, pixels: [UInt8](repeating: 0, count: numbers),
            features: features == nil ? [] : [FrameFeatures?](repeating: nil, count: count))
    }

    private mutating func read(_ references: [SampleReference]) throws -> [LoadedPairs] {
        guard let features else {
            let images = try images(references, frames: references.flatMap(\.pair.frames))
            var rest = images[...]
            return references.map { reference in
                let own = Array(rest.prefix(reference.pair.frameCount))
                rest = rest.dropFirst(own.count)
                return LoadedPairs(references: [reference], pixels: allViews(of: own, sample: reference.sample))
            }
        }
        var known: [FrameReference: FrameFeatures] = [:]
        for frame in Set(references.flatMap(\.frames)) { known[frame] = features.features(of: frame) }
        let missing = Set(references.flatMap(\.frames).filter { known[$0] == nil }.map(\.frame)).sorted()
        let images = missing.isEmpty ? [] : try images(references, frames: missing)
        let planes = Dictionary(uniqueKeysWithValues: zip(missing, images.map { unaugmented($0) }))
        return references.map { reference in
            let features = reference.frames.map { known[$0] }
            let pixels = zip(reference.frames, features).flatMap { $1 == nil ? planes[$0.frame] ?? [] : [] }
            return LoadedPairs(references: [reference], pixels: pixels, features: features)
        }
    }

    /// - Parameter references: At least one; their dataset and episode are those of the frames.
    private mutating func images(_ references: [SampleReference], frames: [Int]) throws -> [RGBImage] {
        let dataset = references[0].dataset
        let source = sources[dataset]
        let position = references[0].pair.episode
        let images: [RGBImage]
        do {
            images = try provider(dataset).frames(episode: position, frames: frames)
        } catch {
            throw StreamError.unreadableFrames(
                dataset: source.name, episode: source.episodes[position].index, frames: frames, cause: error)
        }
        guard images.count == frames.count, images.allSatisfy({ $0.width > 0 && $0.height > 0 }) else {
            throw StreamError.unusableFrames(
                dataset: source.name, episode: source.episodes[position].index, frames: frames,
                got: "[" + images.map { "\($0.width)x\($0.height)" }.joined(separator: ", ") + "]")
        }
        return images
    }

    private mutating func provider(_ dataset: Int) throws -> any FrameProvider {
        if let provider = providers[dataset] { return provider }
        let provider = try sources[dataset].makeFrames()
        providers[dataset] = provider
        return provider
    }

    /// All views of a sample's frames.
    private mutating func allViews(of frames: [RGBImage], sample: Int) -> [UInt8] {
        var pictures: [RGBImage] = []
        for view in 0..<views.count {
            var generator = views.generator(ofView: view, sample: sample, seed: seed)
            let transforms = augmentation.transforms(for: frames, using: &generator)
            for (frame, transform) in zip(frames, transforms) {
                pictures.append(transform.apply(to: frame, resizer: &resizer))
            }
        }
        return planes(pictures)
    }

    /// One picture as it always looks when nothing is drawn.
    private mutating func unaugmented(_ image: RGBImage) -> [UInt8] {
        var unused = RandomGenerator(seed: seed, purpose: "augment", 0)
        let transform = augmentation.transforms(for: image, image, using: &unused).0
        return planes([transform.apply(to: image, resizer: &resizer)])
    }

    /// `[count, 3, H, W]` of pictures of the stream's resolution.
    private func planes(_ images: [RGBImage]) -> [UInt8] {
        let plane = augmentation.resolution * augmentation.resolution
        return [UInt8](unsafeUninitializedCapacity: 3 * plane * images.count) { planes, initialized in
            for (place, image) in images.enumerated() {
                let base = 3 * plane * place
                // SAFETY: apply() returns resolution × resolution RGB triples, so 3 · plane bytes are read, and each
                // picture writes 3 · plane bytes once.
                lam_pixels_planes(image.pixels, planes.baseAddress! + base, plane)
            }
            initialized = 3 * plane * images.count
        }
    }
}

extension SampleReference {
    /// The pair's frames by their places in the mix.
    var frames: [FrameReference] {
        pair.frames.map { FrameReference(dataset: dataset, episode: pair.episode, frame: $0) }
    }
}
