import Foundation
import LAMData
import TestSupport
import Testing

/// A stream with a feature cache beside one without.
@Suite struct FeatureStreamTests {
    private let fixture: FeatureCacheFixture
    private let lengths = [[40, 12, 33], [25, 9, 9, 60, 18], [30]]

    init() throws {
        fixture = try FeatureCacheFixture()
    }

    private func sources(_ log: FakeFrames.Log? = nil, failAt: [Int]? = nil) -> [StreamSource] {
        zip(["toto_a", "ego4d_b", "plain"], lengths).map {
            FakeFrames.source(name: $0, weight: 1, lengths: $1, log: log, failAt: failAt)
        }
    }

    private func allFrames(_ sources: [StreamSource]) -> [FrameReference] {
        sources.indices.flatMap { FeatureCacheFixture.frames(of: sources[$0], dataset: $0) }
    }

    /// Some frames of every dataset.
    private func isCached(_ frame: FrameReference) -> Bool { (frame.dataset + frame.episode + frame.frame) % 3 == 0 }

    private func partlyFilled(_ sources: [StreamSource], _ options: StreamOptions) throws -> FeatureCache {
        let cache = try fixture.open(sources, options: options)
        for frame in allFrames(sources) where isCached(frame) { cache.store(fixture.features(of: frame), of: frame) }
        return cache
    }

    private func take(_ count: Int, from stream: FramePairStream) throws -> [FramePairBatch] {
        try (0..<count).compactMap { _ in try stream.next() }
    }

    /// Expects that `batch` is `plain` with the cached frames' features in place of their pictures.
    private func expect(
        _ batch: FramePairBatch, equals plain: FramePairBatch, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(batch.samples == plain.samples && batch.frames == plain.frames, sourceLocation: sourceLocation)
        #expect(plain.features.isEmpty && plain.frames.count == 2 * plain.samples.count, sourceLocation: sourceLocation)
        let features = plain.frames.map { isCached($0) ? fixture.features(of: $0) : nil }
        #expect(batch.features == features, sourceLocation: sourceLocation)
        let bytes = 3 * plain.resolution * plain.resolution
        let pixels = plain.frames.indices.filter { !isCached(plain.frames[$0]) }
            .flatMap { plain.pixels[$0 * bytes..<($0 + 1) * bytes] }
        #expect(batch.pixels == pixels, sourceLocation: sourceLocation)
    }

    @Test("batches name the frames by their places in the mix, with and without a cache")
    func frames() throws {
        let options = FeatureCacheFixture.options()
        for cache in [nil, try fixture.open(sources(), options: options)] {
            let stream = try FramePairStream(sources: sources(), options, features: cache)
            let names = stream.datasets.map(\.name)
            for batch in try take(20, from: stream) {
                let frames = batch.samples.flatMap { sample in
                    [sample.frame, sample.target].map {
                        FrameReference(
                            dataset: names.firstIndex(of: sample.dataset) ?? -1, episode: sample.episode, frame: $0)
                    }
                }
                #expect(batch.frames == frames)
            }
        }
    }

    @Test(
        "a stream with a cache is the stream without, features in place of the cached frames' pictures",
        arguments: [EpisodeSplit.train, .val, .all], [1, 3])
    func batches(_ split: EpisodeSplit, _ workers: Int) throws {
        let options = FeatureCacheFixture.options {
            $0.valFraction = 0.3
            $0.numWorkers = workers
            $0.padAtEnd = .clamp
        }
        let plain = try FramePairStream(sources: sources(), options, split: split)
        let cached = try FramePairStream(
            sources: sources(), options, split: split, features: partlyFilled(sources(), options))
        #expect(cached.datasets == plain.datasets && cached.pairsPerEpoch == plain.pairsPerEpoch)
        for _ in 0..<60 {
            guard let expected = try plain.next() else {
                #expect(try cached.next() == nil)
                return
            }
            expect(try #require(try cached.next()), equals: expected)
            #expect(cached.state == plain.state)
        }
    }

    @Test("an empty cache gives the pictures of a stream without, and no features")
    func empty() throws {
        let options = FeatureCacheFixture.options()
        let plain = try FramePairStream(sources: sources(), options)
        let cached = try FramePairStream(sources: sources(), options, features: fixture.open(sources()))
        for _ in 0..<20 {
            let (expected, batch) = (try #require(try plain.next()), try #require(try cached.next()))
            #expect(batch.pixels == expected.pixels && batch.samples == expected.samples)
            #expect(batch.features == Array(repeating: nil, count: 10))
        }
    }

    @Test("a stream continues from a state of one with or without a cache")
    func restoring() throws {
        let options = FeatureCacheFixture.options()
        let cache = try partlyFilled(sources(), options)
        let plain = try FramePairStream(sources: sources(), options)
        let cached = try FramePairStream(sources: sources(), options, features: cache)
        var states: [StreamState] = []
        for _ in 0..<7 {
            expect(try #require(try cached.next()), equals: try #require(try plain.next()))
            #expect(cached.state == plain.state)
            states.append(cached.state)
        }
        let rest = try take(4, from: plain)
        let fromCached = try FramePairStream(
            sources: sources(), options,
            restoring: JSONDecoder().decode(
                StreamState.self, from: JSONEncoder().encode(states[6])), features: cache)
        for expected in rest { expect(try #require(try fromCached.next()), equals: expected) }
        // And without the cache, from the state of a stream with one.
        let without = try FramePairStream(sources: sources(), options, restoring: states[6])
        #expect(try take(4, from: without) == rest)
    }

    @Test("ranks with a cache are the ranks without")
    func ranks() throws {
        let options = FeatureCacheFixture.options()
        let cache = try partlyFilled(sources(), options)
        for rank in 0..<3 {
            let plain = try FramePairStream(sources: sources(), options, rank: rank, worldSize: 3)
            let cached = try FramePairStream(sources: sources(), options, rank: rank, worldSize: 3, features: cache)
            for expected in try take(10, from: plain) { expect(try #require(try cached.next()), equals: expected) }
        }
    }

    @Test("cached frames are not read: not one once all are there")
    func reads() throws {
        let options = FeatureCacheFixture.options { $0.window = .fixed(2) }
        let log = FakeFrames.Log()
        let cache = try fixture.open(sources())
        var firstPass = 0
        for pass in 0..<2 {
            let stream = try FramePairStream(sources: sources(log), options, split: .all, features: cache)
            while let batch = try stream.next() {
                if pass == 1 { #expect(batch.pixels.isEmpty) }
                for (frame, features) in zip(batch.frames, batch.features) {
                    #expect(pass == 0 || features == fixture.features(of: frame))
                    if features == nil { cache.store(fixture.features(of: frame), of: frame) }
                }
            }
            if pass == 0 { firstPass = log.reads }
        }
        #expect(firstPass >= allFrames(sources()).count && log.reads == firstPass)
    }

    @Test("a picture that cannot be read is no error once its features are there")
    func unreadable() throws {
        let options = FeatureCacheFixture.options { $0.window = .fixed(3) }
        func stream(_ cache: FeatureCache) throws -> FramePairStream {
            try FramePairStream(sources: sources(failAt: [0, 20]), options, split: .all, features: cache)
        }
        let cache = try fixture.open(sources())
        #expect(throws: StreamError.self) { try take(10, from: stream(cache)) }
        let broken = FrameReference(dataset: 0, episode: 0, frame: 20)
        cache.store(fixture.features(of: broken), of: broken)
        #expect(try take(7, from: stream(cache)).count == 7)
    }

    @Test("a damaged record's picture is read again")
    func damaged() throws {
        let options = FeatureCacheFixture.options { $0.window = .fixed(2) }
        let single = Array(sources().prefix(1))
        try fixture.fill(single)
        #expect(truncate(try fixture.onlyFolder() + "/features.bin", off_t(10 * fixture.stride)) == 0)
        let stream = try FramePairStream(sources: single, options, split: .all, features: fixture.open(single))
        let plain = try FramePairStream(sources: single, options, split: .all)
        while let expected = try plain.next() {
            let batch = try #require(try stream.next())
            let isThere = expected.frames.map { $0.episode == 0 && $0.frame < 10 }
            #expect(batch.features == zip(expected.frames, isThere).map { $1 ? fixture.features(of: $0) : nil })
            let pixels = isThere.indices.filter { !isThere[$0] }.flatMap { expected.pixels[$0 * 192..<($0 + 1) * 192] }
            #expect(batch.pixels == pixels)
        }
    }

    @Test("the same dataset twice in a mix streams from one folder")
    func twice() throws {
        let options = FeatureCacheFixture.options()
        let pair = (0..<2).map { FakeFrames.source(name: "toto_a", weight: Double(1 + $0), lengths: [40, 12, 33]) }
        let cache = try fixture.open(pair)
        let stored = allFrames(Array(pair.prefix(1))).filter(isCached)
        for frame in stored { cache.store(fixture.features(of: frame), of: frame) }
        #expect(try fixture.names().count == 1)
        let plain = try FramePairStream(sources: pair, options)
        let cached = try FramePairStream(sources: pair, options, features: cache)
        var datasets: Set<Int> = []
        for _ in 0..<30 {
            let (expected, batch) = (try #require(try plain.next()), try #require(try cached.next()))
            #expect(batch.samples == expected.samples && batch.frames == expected.frames)
            for (frame, features) in zip(batch.frames, batch.features) {
                let first = FrameReference(dataset: 0, episode: frame.episode, frame: frame.frame)
                #expect(features == (isCached(first) ? fixture.features(of: first) : nil))
                datasets.insert(frame.dataset)
            }
        }
        #expect(datasets == [0, 1])
    }

    @Test("augmentation and a cache exclude each other in training, where frames are augmented")
    func augmentation() throws {
        let options = FeatureCacheFixture.options {
            $0.imageAug = true
            $0.valFraction = 0.3
        }
        let cache = try fixture.open(sources(), options: options)
        #expect {
            try FramePairStream(sources: sources(), options, features: cache)
        } throws: { error in
            if case StreamError.invalidOption("image_aug", _, _) = error { true } else { false }
        }
        for split in [EpisodeSplit.val, .all] {
            let stream = try FramePairStream(sources: sources(), options, split: split, features: cache)
            #expect(try stream.next() != nil)
        }
    }

    @Test("pictures of real files are the same with a cache, in every crop", arguments: [CropOption.square, .original])
    func dataset(_ crop: CropOption) throws {
        let names = ["droid_push_v30", "toto_push_images_v30", "g1_inspire_v21_subset"]
        var options = StreamOptions(datasetMix: names.map { .init($0, 1) }, root: Goldens.url("datasets").path)
        options.batchSize = 8
        options.resolution = 48
        options.numWorkers = 2
        options.imageAug = false
        options.crop = crop
        options.imageKeys = [.init(pattern: "g1_", key: try Self.firstCamera("g1_inspire_v21_subset"))]
        let sources = try StreamSource.open(options)
        let plain = try FramePairStream(sources: sources, options)
        let cached = try FramePairStream(sources: sources, options, features: partlyFilled(sources, options))
        for expected in try take(6, from: plain) { expect(try #require(try cached.next()), equals: expected) }
    }

    private static func firstCamera(_ name: String) throws -> String {
        try #require(SampleDatasets.open(name).cameras.first).key
    }
}
