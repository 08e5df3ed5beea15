import Foundation
import LAMData
import Synchronization
import TestSupport
import Testing

/// Several threads, and several caches on one root: as far as files and locks go, other processes.
@Suite struct FeatureCacheSharingTests {
    private var fixture: FeatureCacheFixture
    private let source = FeatureCacheFixture.source(lengths: [30, 50, 20])
    private var frames: [FrameReference] { FeatureCacheFixture.frames(of: source) }

    init() throws {
        fixture = try FeatureCacheFixture()
        (fixture.patches, fixture.width) = (64, 64)
    }

    @Test("what one cache stores, another one on the same root has at once")
    func twoCaches() throws {
        let caches = try [fixture.open([source]), fixture.open([source])]
        for (number, frame) in frames.enumerated() {
            #expect(caches.allSatisfy { $0.features(of: frame) == nil })
            #expect(caches[number % 2].store(fixture.features(of: frame), of: frame))
            #expect(caches.allSatisfy { $0.features(of: frame) == fixture.features(of: frame) })
        }
    }

    @Test("threads that fill and read two caches on one root see a frame's own features or none")
    func threads() throws {
        let caches = try [fixture.open([source]), fixture.open([source])]
        let (fixture, frames) = (fixture, frames)
        let wrong = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            let cache = caches[thread % 2]
            var random = SplitMix(state: UInt64(thread))
            for frame in frames.shuffled(using: &random) {
                if thread < 4 { cache.store(fixture.features(of: frame), of: frame) }
                for frame in frames.shuffled(using: &random).prefix(10) {
                    let features = cache.features(of: frame)
                    if features != nil, features != fixture.features(of: frame) { wrong.add(1, ordering: .relaxed) }
                }
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
        for cache in caches + [try fixture.open([source])] {
            #expect(frames.allSatisfy { cache.features(of: $0) == fixture.features(of: $0) })
        }
    }

    @Test("two that store different features of one frame at once leave one of them or none, never a mixture")
    func torn() throws {
        var fixture = fixture
        (fixture.patches, fixture.width) = (256, 768)
        let caches = try (0..<3).map { _ in try fixture.open([source]) }
        let frame = frames[7]
        let versions = (0..<2).map { fixture.features(of: frame, version: $0) }
        let wrong = Atomic(0)
        DispatchQueue.concurrentPerform(iterations: 3) { thread in
            for _ in 0..<300 {
                if thread < 2 {
                    caches[thread].store(versions[thread], of: frame)
                } else if let features = caches[2].features(of: frame), !versions.contains(features) {
                    wrong.add(1, ordering: .relaxed)
                }
            }
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
    }

    @Test("any number of caches may be opened at once where there was none")
    func openingTogether() throws {
        let (fixture, source, frames) = (fixture, source, frames)
        for round in 0..<30 {
            let failures = Mutex<[String]>([])
            DispatchQueue.concurrentPerform(iterations: 8) { thread in
                do {
                    let cache = try fixture.open([source], encoder: "encoder \(round)")
                    let frame = frames[thread]
                    cache.store(fixture.features(of: frame), of: frame)
                    guard cache.features(of: frame) == fixture.features(of: frame) else {
                        throw CocoaError(.fileReadCorruptFile)
                    }
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
            }
            #expect(failures.withLock { $0 } == [])
            let cache = try fixture.open([source], encoder: "encoder \(round)")
            #expect(frames.prefix(8).allSatisfy { cache.features(of: $0) == fixture.features(of: $0) })
        }
        for name in try fixture.names() {
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(fixture.root)/\(name)").sorted()
            #expect(files == ["features.bin", "key.json"])
        }
    }

    @Test("caches that remove each other's folders while others open them never lose what is in use")
    func removingWhileOpening() throws {
        let (fixture, source, frames) = (fixture, source, frames)
        let failures = Mutex<[String]>([])
        // Room for one: each opening removes every folder that is not in use just then.
        let limit = frames.count * fixture.stride + 100_000
        DispatchQueue.concurrentPerform(iterations: 6) { thread in
            for round in 0..<100 {
                do {
                    let encoder = "encoder \((thread + round) % 3)"
                    let cache = try fixture.open([source], encoder: encoder, limitBytes: limit)
                    let frame = frames[(thread * 7 + round) % frames.count]
                    let isStored = cache.store(fixture.features(of: frame), of: frame)
                    // Another cache of this key sees it, as long as this one lives.
                    let other = try fixture.open([source], encoder: encoder, limitBytes: limit)
                    if isStored, other.features(of: frame) != fixture.features(of: frame) {
                        failures.withLock { $0.append("\(encoder): lost \(frame)") }
                    }
                    withExtendedLifetime(cache) {}
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
            }
        }
        #expect(failures.withLock { $0 } == [])
        // Every folder that is left can be told and removed: none lost its key.
        for name in try fixture.names() {
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(fixture.root)/\(name)").sorted()
            #expect(files == ["features.bin", "key.json"])
        }
    }
}
