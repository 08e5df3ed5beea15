import Randomness

/// Turns references into pictures: reads, augments, lays out. One instance per worker thread.
struct PairLoader {
    private let sources: [StreamSource]
    private let augmentation: PairAugmentation
    private let seed: UInt64
    private var providers: [(any FrameProvider)?]
    private var resizer = ImageResizer()

    init(sources: [StreamSource], augmentation: PairAugmentation, seed: UInt64) {
        self.sources = sources
        self.augmentation = augmentation
        self.seed = seed
        providers = Array(repeating: nil, count: sources.count)
    }

    /// The pictures of samples of one episode, in the order given.
    ///
    /// - Parameter references: At least one, all of the same dataset and episode.
    /// - Returns: Per sample `[2, 3, H, W]`.
    mutating func load(_ references: [SampleReference]) throws -> [[UInt8]] {
        let dataset = references[0].dataset
        let source = sources[dataset]
        let position = references[0].pair.episode
        let frames = references.flatMap { [$0.pair.frame, $0.pair.target] }
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
        return references.enumerated().map { slot, reference in
            pair(images[2 * slot], images[2 * slot + 1], sample: reference.sample)
        }
    }

    private mutating func provider(_ dataset: Int) throws -> any FrameProvider {
        if let provider = providers[dataset] { return provider }
        let provider = try sources[dataset].makeFrames()
        providers[dataset] = provider
        return provider
    }

    private mutating func pair(_ first: RGBImage, _ second: RGBImage, sample: Int) -> [UInt8] {
        var generator = RandomGenerator(seed: seed, purpose: "augment", sample)
        let (initial, target) = augmentation.transforms(for: first, second, using: &generator)
        let initialImage = initial.apply(to: first, resizer: &resizer)
        let targetImage = target.apply(to: second, resizer: &resizer)
        let plane = augmentation.resolution * augmentation.resolution
        return [UInt8](unsafeUninitializedCapacity: 6 * plane) { planes, initialized in
            for (image, base) in [(initialImage, 0), (targetImage, 3 * plane)] {
                // SAFETY: apply() returns resolution × resolution RGB triples, so 3 · plane bytes are read, and the
                // two pictures write 6 · plane bytes once each.
                image.pixels.withUnsafeBufferPointer { pixels in
                    for i in 0..<plane {
                        planes[base + i] = pixels[3 * i]
                        planes[base + plane + i] = pixels[3 * i + 1]
                        planes[base + 2 * plane + i] = pixels[3 * i + 2]
                    }
                }
            }
            initialized = 6 * plane
        }
    }
}
