import LAMData
import Testing

/// Columns of numbers by episode, and sources with some of their episodes.
@Suite struct DatasetValuesTests {
    @Test("every episode has a row of its own for each frame, in files of one episode and of many")
    func actions() throws {
        for name in ["toto_push_lf_v21", "push_default_v30"] {
            let dataset = try SampleDatasets.open(name)
            let episodes = try dataset.episodes.map { try #require(try dataset.values(of: "action", in: $0)) }
            #expect(episodes.map(\.count) == dataset.episodes.map(\.length))
            #expect(episodes.allSatisfy { $0.allSatisfy { $0.count == 2 } })
            #expect(Set(episodes.map { $0[0] }).count == episodes.count, "each its own")
            // Scalars are rows of one number.
            let frames = try #require(try dataset.values(of: "frame_index", in: dataset.episodes[1]))
            #expect(frames == (0..<dataset.episodes[1].length).map { [Double($0)] })
        }
        let dataset = try SampleDatasets.open("toto_push_lf_v21")
        let first = try #require(try dataset.values(of: "action", in: dataset.episodes[0]))
        #expect(first[0] == [Double(Float(0.2660633)), Double(Float(0.3282803))])
        #expect(try dataset.values(of: "observation.images.image", in: dataset.episodes[0]) == nil, "no numbers")
        #expect(try dataset.values(of: "reward", in: dataset.episodes[0]) == nil)
    }

    @Test("a source with some of its episodes gives their frames, actions and pairs as the whole one does")
    func keeping() throws {
        let dataset = try SampleDatasets.open("toto_push_lf_v21")
        let whole = try StreamSource(dataset, weight: 1)
        let part = whole.keeping([1, 4])
        #expect(part.episodes == [whole.episodes[1], whole.episodes[4]])
        #expect(try part.actions(1) == whole.actions(4))
        let (all, some) = (try whole.makeFrames(), try part.makeFrames())
        #expect(
            try some.frames(episode: 1, frames: [3]).map(\.pixels) == all.frames(episode: 4, frames: [3]).map(\.pixels))

        var options = StreamOptions(datasetMix: [])
        (options.batchSize, options.resolution, options.window, options.numWorkers) = (8, 32, .fixed(4), 1)
        func pixels(_ source: StreamSource) throws -> [String: [UInt8]] {
            let stream = try FramePairStream(sources: [source], options, split: .all)
            var found: [String: [UInt8]] = [:]
            while let batch = try stream.next() {
                let size = batch.pixels.count / batch.samples.count
                for (place, sample) in batch.samples.enumerated() {
                    found["\(sample.episode) \(sample.frame)"] = Array(batch.pixels[place * size..<(place + 1) * size])
                }
            }
            return found
        }
        let (wanted, got) = (try pixels(whole), try pixels(part))
        #expect(got == wanted.filter { $0.key.hasPrefix("1 ") || $0.key.hasPrefix("4 ") } && !got.isEmpty)
    }
}
