import Foundation
import LAMData
import TestSupport
import Testing

/// Open files and memory of a stream.
@Suite struct ReaderPoolTests {
    private func read(_ dataset: LeRobotDataset, _ pool: ReaderPool) throws {
        let camera = try dataset.camera(preferred: "observation.images.exterior_1_left")
        let reader = try FrameReader(dataset: dataset, camera: camera, pool: pool)
        for episode in dataset.episodes.indices { _ = try reader.frames(episode: episode, frames: [0, 3]) }
    }

    @Test("no more files stay open than the pool may have, and those used last stay")
    func files() throws {
        let dataset = try SampleDatasets.open("droid_push_hf_v21")
        #expect(dataset.episodes.count == 5)
        let wide = ReaderPool(maximumOpenFiles: 8)
        for _ in 0..<3 { try read(dataset, wide) }
        #expect(wide.openFiles == 5 && wide.openedFiles == 5)
        let narrow = ReaderPool(maximumOpenFiles: 2)
        try read(dataset, narrow)
        #expect(narrow.openFiles == 2 && narrow.openedFiles == 5)
        try read(dataset, narrow)
        #expect(narrow.openedFiles == 10)
    }

    @Test("the bound on bytes closes files, too, but never the one in use")
    func bytes() throws {
        let dataset = try SampleDatasets.open("droid_push_hf_v21")
        let pool = ReaderPool(maximumOpenFiles: 64, maximumBytes: 1)
        try read(dataset, pool)
        #expect(pool.openFiles == 0 && pool.openedFiles == 5)
    }

    @Test("a mix of many datasets and threads keeps to one bound, and frames are right")
    func shared() throws {
        var options = StreamOptions(
            datasetMix: ["droid_push_v30", "ego4d_push_v30", "toto_push_lf_v20", "toto_push_lf_v21"].map {
                .init($0, 1)
            },
            root: Goldens.url("datasets").path)
        options.batchSize = 8
        options.resolution = 32
        options.numWorkers = 3
        let plain = try FramePairStream(options)
        // 2.3 MB a video of 96 x 128: room for hardly more than one a thread.
        options.memoryBudgetGiB =
            Double((plain.memory?.total ?? 0) - (plain.memory?.files ?? 0) + (9 << 20)) / Double(1 << 30)
        let bounded = try FramePairStream(options)
        #expect(bounded.memory?.files == 9 << 20)
        for _ in 0..<6 { #expect(try bounded.next() == plain.next()) }
    }

    @Test("a budget that nothing fits into is refused with what is needed")
    func budget() throws {
        var options = StreamOptions(datasetMix: [.init("droid_push_v30", 1)], root: Goldens.url("datasets").path)
        options.memoryBudgetGiB = 0.001
        #expect { try FramePairStream(options) } throws: { error in
            "\(error)".contains("data.memory_budget") && "\(error)".contains("at least")
        }
    }

    @Test("the metadata of a mix open without their videos, and resume in mid-epoch")
    func opening() throws {
        let folder = try TemporaryFolder()
        let options = try OpeningBenchmark.write(datasets: 3, episodes: 200, to: folder.root.path)
        let result = try OpeningBenchmark.run(options)
        #expect(result.datasets == 3 && result.episodes == 600 && result.pairs == 600 * 291)
        #expect(result.secondsToResume < 1)
    }
}
