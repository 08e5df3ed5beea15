import Foundation
import LAMData
import TestSupport
import Testing

/// What a stream does with frames that cannot be decoded.
@Suite struct BadSampleTests {
    /// A dataset whose second episode's video is damaged in its middle.
    private let copy: DatasetCopy

    init() throws {
        copy = try DatasetCopy(of: "toto_push_lf_v21")
        let path = "\(copy.root)/videos/chunk-000/observation.images.image/episode_000001.mp4"
        var video = try Data(contentsOf: URL(fileURLWithPath: path))
        for place in video.count * 2 / 5..<video.count / 2 { video[place] = 0xFF }
        try video.write(to: URL(fileURLWithPath: path))
    }

    private func options(_ change: (inout StreamOptions) -> Void = { _ in }) -> StreamOptions {
        var options = StreamOptions(datasetMix: [.init(copy.root, 1)])
        options.batchSize = 16
        options.resolution = 32
        options.numWorkers = 2
        options.onBadSample = .skip
        change(&options)
        return options
    }

    @Test("by default a bad frame ends the stream with dataset, episode, file and cause")
    func fails() throws {
        let stream = try FramePairStream(options { $0.onBadSample = .fail })
        #expect {
            for _ in 0..<20 { _ = try stream.next() }
        } throws: { error in
            "\(error)".contains("episode 1") && "\(error)".contains("episode_000001.mp4")
        }
    }

    @Test("skipping puts a sound pair in the place of a bad one, tells each, and is the same for any threads and ranks")
    func skips() throws {
        let stream = try FramePairStream(options())
        let batches = try (0..<20).compactMap { _ in try stream.next() }
        let skipped = batches.flatMap(\.skipped)
        #expect(!skipped.isEmpty && stream.skippedSamples == skipped.count)
        #expect(skipped.allSatisfy { $0.episode == 1 && $0.cause.contains("episode_000001.mp4") })
        #expect("\(skipped[0])".contains("frames [\(skipped[0].frames[0]), \(skipped[0].frames[1])]"))
        #expect(batches.allSatisfy { $0.samples.count == 16 && $0.pixels.count == 16 * 6 * 32 * 32 })
        #expect(batches.flatMap(\.samples).map(\.sample) == Array(0..<320))
        let bad = Set(skipped.map { [$0.episode] + $0.frames })
        #expect(batches.flatMap(\.samples).allSatisfy { !bad.contains([$0.episode, $0.frame, $0.target]) })

        let other = try FramePairStream(options { $0.numWorkers = 1 })
        #expect(try (0..<20).compactMap { _ in try other.next() } == batches)
        let ranks = try (0..<2).map { rank in
            try FramePairStream(options { $0.batchSize = 8 }, rank: rank, worldSize: 2)
        }
        var samples: [FramePairBatch.Sample] = []
        for _ in 0..<20 { for stream in ranks { samples += try stream.next()?.samples ?? [] } }
        #expect(samples == batches.flatMap(\.samples))
    }

    @Test("the budget of skips ends the run, and a dataset without a sound pair does so at once")
    func budget() throws {
        let stream = try FramePairStream(options { $0.maxSkips = 2 })
        #expect {
            for _ in 0..<40 { _ = try stream.next() }
        } throws: { error in
            guard case StreamError.tooManySkips(2, let last) = error else { return false }
            return "\(error)".contains("data.max_skips") && last.episode == 1
        }
        for episode in 0..<6 {
            let path = "\(copy.root)/videos/chunk-000/observation.images.image/episode_00000\(episode).mp4"
            try Data("no video at all".utf8).write(to: URL(fileURLWithPath: path))
        }
        let hopeless = try FramePairStream(options { $0.maxSkips = 1000 })
        #expect { try hopeless.next() } throws: { error in
            // As many as it has pairs.
            if case StreamError.tooManySkips(210, _) = error { true } else { false }
        }
    }

    @Test("a dataset whose videos are all gone ends the stream whatever the option says")
    func missing() throws {
        let sources = try StreamSource.open(options())
        for episode in 0..<6 {
            try FileManager.default.removeItem(
                atPath: "\(copy.root)/videos/chunk-000/observation.images.image/episode_00000\(episode).mp4")
        }
        let stream = try FramePairStream(sources: sources, options())
        #expect(throws: (any Error).self) { try stream.next() }
        #expect(stream.skippedSamples == 0)
    }
}
