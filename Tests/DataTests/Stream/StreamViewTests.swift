import Foundation
import LAMData
import Testing

/// Two views of a pair, draws for a whole batch, and samples of several frames.
@Suite struct StreamViewTests {
    private func options(_ change: (inout StreamOptions) -> Void = { _ in }) -> StreamOptions {
        var options = StreamOptions(datasetMix: [])
        (options.batchSize, options.resolution, options.bufferSize, options.numWorkers) = (5, 8, 20, 2)
        options.window = .fixed(4)
        change(&options)
        return options
    }

    private func sources(isStill: Bool = false) -> [StreamSource] {
        [FakeFrames.source(name: "robot", weight: 1, lengths: [40, 12, 33], isStill: isStill)]
    }

    private func batches(
        _ options: StreamOptions, isStill: Bool = false, split: EpisodeSplit = .train, rank: Int = 0, of ranks: Int = 1
    ) throws -> [FramePairBatch] {
        let stream = try FramePairStream(
            sources: sources(isStill: isStill), options, split: split, rank: rank, worldSize: ranks)
        return try (0..<3).compactMap { _ in try stream.next() }
    }

    @Test("the first of two views is what a stream of one view gives, the second is another draw, evaluations have one")
    func views() throws {
        let single = try batches(options()), both = try batches(options { $0.dualViewAug = true })
        #expect(both.allSatisfy { $0.shape == [5, 4, 3, 8, 8] && $0.views == 2 && $0.pixels.count == 5 * 12 * 64 })
        let view = 6 * 64
        for (one, two) in zip(single, both) {
            #expect(one.samples == two.samples && one.frames == two.frames)
            for slot in 0..<5 {
                let first = two.pixels[2 * slot * view..<(2 * slot + 1) * view]
                let second = two.pixels[(2 * slot + 1) * view..<(2 * slot + 2) * view]
                #expect(first.elementsEqual(one.pixels[slot * view..<(slot + 1) * view]))
                #expect(!first.elementsEqual(second))
            }
        }
        let plain = try batches(
            options {
                ($0.dualViewAug, $0.imageAug) = (true, false)
            })
        #expect(plain.allSatisfy { $0.shape == [5, 2, 3, 8, 8] })
        #expect(try batches(options { $0.dualViewAug = true }, split: .all).allSatisfy { $0.views == 1 })
    }

    @Test("a draw for the batch gives all pairs of a batch the same change, and other batches and ranks another")
    func batchDraws() throws {
        func firstFrames(_ batch: FramePairBatch) -> Set<[UInt8]> {
            Set((0..<5).map { Array(batch.pixels[$0 * 6 * 64..<($0 * 6 + 3) * 64]) })
        }
        let shared = try batches(options { $0.augmentDraws = .batch }, isStill: true).map(firstFrames)
        // Each episode of these has a picture of its own.
        #expect(shared.allSatisfy { $0.count <= 3 })
        let single = try batches(options(), isStill: true).map(firstFrames)
        #expect(single.contains { $0.count > 3 })
        #expect(shared[0] != shared[1])
        let states = try [AugmentDrawsOption.sample, .batch].map { draws in
            try FramePairStream(sources: sources(), options { $0.augmentDraws = draws }).state
        }
        #expect(states[0].fingerprint != states[1].fingerprint)
    }

    @Test("samples of several frames have them a window apart inside their episode, in training alone")
    func severalFrames() throws {
        let stream = try batches(
            options {
                ($0.frames, $0.imageAug) = (4, false)
            })
        for batch in stream {
            #expect(batch.shape == [5, 4, 3, 8, 8] && batch.frames.count == 20 && batch.steps.count == 15)
            for (slot, sample) in batch.samples.enumerated() {
                let frames = batch.frames[4 * slot..<4 * slot + 4].map(\.frame)
                #expect(frames == (0..<4).map { sample.frame + 3 * $0 } && sample.target == frames[3])
                #expect(sample.target < [40, 12, 33][sample.episode] && !sample.isPad)
                for (place, frame) in frames.enumerated() {
                    let plane = batch.pixels[(slot * 12 + place * 3 + 1) * 64]
                    #expect(plane == FakeFrames.color(episode: sample.episode, frame: frame)[1])
                }
            }
        }
        #expect(try batches(options { $0.frames = 4 }, split: .all).allSatisfy { $0.framesPerSample == 2 })
        let short = FakeFrames.source(name: "short", weight: 1, lengths: [9])
        #expect(throws: StreamError.self) {
            try FramePairStream(sources: [short], options { $0.frames = 4 })
        }
        _ = try FramePairStream(sources: [short], options { $0.frames = 3 })
    }

    @Test("seconds by kinds of datasets come behind those by name, and half a frame is rounded to even")
    func seconds() {
        let rules = options {
            $0.windowSeconds = [.init(pattern: "kitchen", seconds: 0.5)]
            $0.kindWindows = [
                .init(pattern: "human", seconds: 0.4, roundsToEven: true),
                .init(pattern: "", seconds: 1.6, roundsToEven: true),
            ]
        }
        func apart(_ name: String, _ fps: Double) -> Int {
            rules.windowRule(name: name, fps: fps, place: 0).frames.lowerBound - 1
        }
        #expect(apart("kitchen_human", 10) == 5 && apart("a_Human_b", 10) == 4 && apart("droid", 15) == 24)
        // 12.5 frames; by name they are rounded up.
        #expect(WindowRule(seconds: 0.5, fps: 25).frames == 14...14)
        #expect(WindowRule(seconds: 0.5, fps: 25, roundsToEven: true).frames == 13...13)
        #expect(apart("droid", 0.1) == 1)
    }
}
