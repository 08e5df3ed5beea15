import Formats
import Foundation
import LAMData
import TestSupport
import Testing

/// The stream over the reference datasets: real files, real decoders.
@Suite struct StreamDatasetTests {
    private struct Recorded: Decodable {
        struct Frame: Decodable {
            var dataset: String
            var camera: String
            var episode: Int
            var frame: Int
            var height: Int
            var width: Int
            var sha256_pyav_rgb24: String
        }
        var frames: [Frame]
    }

    private func options(_ names: [String], _ change: (inout StreamOptions) -> Void = { _ in }) -> StreamOptions {
        var options = StreamOptions(
            datasetMix: names.map { .init($0, 1) }, root: Goldens.url("datasets").path)
        options.batchSize = 8
        options.resolution = 96
        options.numWorkers = 2
        change(&options)
        return options
    }

    /// One picture of a batch, `[H, W, 3]`.
    private func picture(_ batch: FramePairBatch, slot: Int, half: Int) -> [UInt8] {
        let plane = batch.resolution * batch.resolution
        let base = (slot * 2 + half) * 3 * plane
        return (0..<(3 * plane)).map { batch.pixels[base + $0 % 3 * plane + $0 / 3] }
    }

    @Test(
        "the pictures of a pair are the recorded frames bit for bit",
        arguments: [
            ("push_default_v30", "observation.images.top"), ("typed_columns_v30", "observation.images.top"),
            ("droid_push_hf_v21", "observation.images.exterior_1_left"),
        ])
    func recordedFrames(_ name: String, _ camera: String) throws {
        let data = try Data(contentsOf: Goldens.url("data/decode/decode.json"))
        let recorded = try JSONDecoder().decode(Recorded.self, from: data).frames
            .filter { $0.dataset == name && $0.camera == camera }
        #expect(recorded.count >= 7 && recorded.allSatisfy { $0.height == 96 && $0.width == 96 })
        var digests: [[Int]: String] = [:]
        for frame in recorded { digests[[frame.episode, frame.frame]] = frame.sha256_pyav_rgb24 }
        // Pictures of 96 x 96 pass the original's geometry unchanged.
        let stream = try FramePairStream(
            options([name]) {
                $0.window = .fixed(2)
                $0.crop = .original
                $0.imageKeys = [.init(pattern: "PUSH_default", key: "observation.images.top")]
            }, split: .all)
        var compared: Set<[Int]> = []
        while let batch = try stream.next() {
            for (slot, sample) in batch.samples.enumerated() {
                for (half, frame) in [sample.frame, sample.target].enumerated() {
                    guard let digest = digests[[sample.episode, frame]] else { continue }
                    compared.insert([sample.episode, frame])
                    #expect(SHA256.hexadecimal(of: picture(batch, slot: slot, half: half)) == digest)
                }
            }
        }
        #expect(compared.count == digests.count)
    }

    @Test("a mix of formats, codecs and picture sizes streams, and a restored stream continues it to the byte")
    func mixed() throws {
        let names = [
            "droid_push_v30", "ego4d_push_v30", "toto_push_images_v30", "toto_push_lf_v20", "toto_push_lf_v21",
            "push_default_v30",
        ]
        let options = options(names) {
            $0.imageKeys = [.init(pattern: "push_default", key: "observation.images.wrist")]
            $0.resolution = 64
        }
        let stream = try FramePairStream(options)
        #expect(stream.datasets.map(\.window) == [15...20, 2...2, 3...5, 3...5, 3...5, 10...10])
        for _ in 0..<4 { #expect(try stream.next()?.shape == [8, 2, 3, 64, 64]) }
        let state = stream.state
        let next = try stream.next()
        var fewer = options
        fewer.numWorkers = 1
        #expect(try FramePairStream(fewer, restoring: state).next() == next)
        let samples = try #require(next).samples
        #expect(samples.allSatisfy { !$0.task.isEmpty && $0.target == $0.frame + $0.window - 1 })
    }

    @Test("an absolute path needs no root, and several cameras need a choice")
    func names() throws {
        let path = Goldens.url("datasets/ego4d_push_v30").path
        let stream = try FramePairStream(options([path]) { $0.root = nil })
        #expect(try stream.next()?.samples.first?.dataset == "ego4d_push_v30")
        #expect {
            try FramePairStream(options(["push_default_v30"]))
        } throws: { error in
            if case DataError.ambiguousCamera = error { true } else { false }
        }
    }

    @Test("the benchmark counts what it took")
    func benchmark() throws {
        let result = try StreamBenchmark.run(options(["ego4d_push_v30"]), batches: 3)
        #expect(result.batches == 3 && result.samples == 24 && result.bytesPerBatch == 8 * 6 * 96 * 96)
        #expect(result.samplesPerSecond > 0 && result.secondsToFirstBatch > 0 && result.peakResidentBytes > 1 << 20)
    }
}
