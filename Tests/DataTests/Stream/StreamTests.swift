import Foundation
import LAMData
import Synchronization
import Testing

@Suite struct StreamTests {
    private static let lengths = [[40, 12, 33], [25, 9, 9, 60, 18], [30]]

    private func sources(_ log: FakeFrames.Log? = nil, failAt: [Int]? = nil) -> [StreamSource] {
        zip(["toto_a", "ego4d_b", "plain"], zip([1.0, 2.0, 0.5], Self.lengths)).map { name, entry in
            FakeFrames.source(name: name, weight: entry.0, lengths: entry.1, log: log, failAt: failAt)
        }
    }

    private func options(_ change: (inout StreamOptions) -> Void = { _ in }) -> StreamOptions {
        var options = StreamOptions(datasetMix: [])
        options.batchSize = 5
        options.resolution = 8
        options.bufferSize = 20
        options.numWorkers = 2
        change(&options)
        return options
    }

    private func take(_ count: Int, from stream: FramePairStream) throws -> [FramePairBatch] {
        try (0..<count).compactMap { _ in try stream.next() }
    }

    // MARK: Batches

    @Test("a batch holds the pictures that its samples name, planes first")
    func content() throws {
        let stream = try FramePairStream(sources: sources(), options { $0.imageAug = false })
        for batch in try take(30, from: stream) {
            #expect(batch.shape == [5, 2, 3, 8, 8] && batch.pixels.count == 5 * 2 * 3 * 64)
            for (slot, sample) in batch.samples.enumerated() {
                let base = slot * 6 * 64
                for (half, frame) in [sample.frame, sample.target].enumerated() {
                    for (channel, value) in FakeFrames.color(episode: sample.episode, frame: frame).enumerated() {
                        let plane = batch.pixels[(base + (half * 3 + channel) * 64)...].prefix(64)
                        #expect(plane.allSatisfy { $0 == value })
                    }
                }
                #expect(sample.task == "task of \(sample.episode)" && !sample.isPad)
            }
        }
    }

    @Test("threads and prefetch depth never change a byte")
    func workers() throws {
        func batches(_ workers: Int, _ prefetch: Int) throws -> [FramePairBatch] {
            try take(
                25,
                from: FramePairStream(
                    sources: sources(),
                    options {
                        $0.numWorkers = workers
                        $0.prefetch = prefetch
                    }))
        }
        let reference = try batches(1, 1)
        #expect(Set(reference.map(\.pixels)).count == reference.count)
        for (workers, prefetch) in [(1, 4), (2, 1), (3, 2), (8, 5)] {
            #expect(try batches(workers, prefetch) == reference)
        }
    }

    @Test("augmentation keeps the two pictures of an unmoving pair equal unless they are drawn independently")
    func augmentation() throws {
        func pairsAgree(_ change: (inout StreamOptions) -> Void) throws -> [Bool] {
            let still = FakeFrames.source(name: "still", weight: 1, lengths: [40], isStill: true)
            return try take(4, from: FramePairStream(sources: [still], options(change))).flatMap { batch in
                batch.samples.indices.map { slot in
                    let pair = batch.pixels[(slot * 384)...].prefix(384)
                    return pair.prefix(192).elementsEqual(pair.suffix(192))
                }
            }
        }
        #expect(try pairsAgree { _ in }.allSatisfy { $0 })
        #expect(try pairsAgree { $0.augmentPair = .independent }.contains(false))
        #expect(
            try pairsAgree {
                $0.augmentPair = .independent; $0.imageAug = false
            }.allSatisfy { $0 })
    }

    // MARK: State

    @Test("a restored stream gives the very next batch, whatever was prefetched", arguments: [1, 2, 4])
    func restoring(_ workers: Int) throws {
        let stream = try FramePairStream(sources: sources(), options())
        var states = [stream.state]
        var batches: [FramePairBatch] = []
        for _ in 0..<60 {
            batches.append(try #require(try stream.next()))
            states.append(stream.state)
        }
        for position in [0, 1, 2, 7, 19, 33, 58, 59] {
            let saved = try JSONEncoder().encode(states[position])
            let state = try JSONDecoder().decode(StreamState.self, from: saved)
            let restored = try FramePairStream(
                sources: sources(), options { $0.numWorkers = workers }, restoring: state)
            #expect(restored.state == states[position])
            for expected in batches[position...].prefix(2) { #expect(try restored.next() == expected) }
        }
    }

    @Test("a run continues on another number of ranks with the same samples")
    func elastic() throws {
        func stream(_ rank: Int, of world: Int, batch: Int, from state: StreamState? = nil) throws -> FramePairStream {
            try FramePairStream(
                sources: sources(), options { $0.batchSize = batch }, rank: rank, worldSize: world, restoring: state)
        }
        let single = try take(6, from: stream(0, of: 1, batch: 12)).flatMap(\.samples)
        let pairs = try (0..<2).map { try stream($0, of: 2, batch: 6) }
        var seen: [FramePairBatch.Sample] = []
        for _ in 0..<3 { for stream in pairs { seen += try #require(try stream.next()).samples } }
        #expect(pairs[0].state == pairs[1].state)
        for rank in 0..<3 {
            seen += try take(3, from: stream(rank, of: 3, batch: 4, from: pairs[0].state)).flatMap(\.samples)
        }
        #expect(seen.sorted { $0.sample < $1.sample } == single)
    }

    @Test("ranks are disjoint and their union is the epoch", arguments: [2, 3])
    func ranks(_ worldSize: Int) throws {
        func samples(_ rank: Int) throws -> [FramePairBatch.Sample] {
            let stream = try FramePairStream(
                sources: [sources()[1]], options { $0.batchSize = 1 }, rank: rank, worldSize: worldSize)
            return try take(stream.pairsPerEpoch / worldSize, from: stream).flatMap(\.samples)
        }
        let shards = try (0..<worldSize).map { try samples($0).map { [$0.episode, $0.frame] } }
        let union = Set(shards.joined())
        // 116 pairs of window 2: divisible by 2, two left over with three ranks.
        #expect(union.count == 116 / worldSize * worldSize && shards.allSatisfy { $0.count == 116 / worldSize })
    }

    @Test("a state of other data or other options is refused and says what differs")
    func mismatch() throws {
        let state = try FramePairStream(sources: sources(), options()).state
        func refused(_ sources: [StreamSource], _ options: StreamOptions, split: EpisodeSplit = .train) -> String? {
            do {
                _ = try FramePairStream(sources: sources, options, split: split, restoring: state)
                return nil
            } catch StreamError.stateMismatch(let what, _, _) {
                return what
            } catch {
                return "\(error)"
            }
        }
        #expect(refused(sources(), options()) == nil)
        #expect(
            refused(
                sources(),
                options {
                    $0.batchSize = 9; $0.numWorkers = 1; $0.prefetch = 7
                }) == nil)
        #expect(refused(sources(), options { $0.seed = 1 }) == "data.seed")
        #expect(refused(sources(), options { $0.bufferSize = 21 }) == "data.buffer_size")
        #expect(refused(sources(), options { $0.window = .fixed(4) }) == "data.window")
        #expect(refused(sources(), options(), split: .all) == "split")
        var longer = sources()
        longer[1].episodes[2].length += 1
        #expect(refused(longer, options()) == "dataset 1 (ego4d_b)")
        #expect(refused(sources().dropLast(), options()) == "data.dataset_mix")
    }

    @Test("a damaged state is refused without a crash", arguments: [-1, 1, Int.max, Int.min, 1 << 60])
    func damagedState(_ number: Int) throws {
        let good = try FramePairStream(sources: sources(), options()).state
        func isRefused(_ change: (inout StreamState) -> Void) -> Bool {
            var state = good
            change(&state)
            do {
                _ = try FramePairStream(sources: sources(), options(), restoring: state)
                return false
            } catch StreamError.invalidState { return true } catch { return false }
        }
        #expect(isRefused { $0.position = number })
        #expect(isRefused { $0.drawn[1] = number })
        #expect(
            isRefused {
                $0.drawn = [number, number, number]; $0.position = number
            })
        #expect(isRefused { $0.drawn = [] })
    }

    // MARK: Held-out episodes

    @Test("validation is finite, repeatable, un-augmented and disjoint from training")
    func validation() throws {
        let options = options {
            $0.valFraction = 0.3; $0.batchSize = 7
        }
        func batches() throws -> [FramePairBatch] {
            let stream = try FramePairStream(sources: sources(), options, split: .val)
            var batches: [FramePairBatch] = []
            while let batch = try stream.next() { batches.append(batch) }
            #expect(try stream.next() == nil)
            #expect(batches.reduce(0) { $0 + $1.samples.count } == stream.pairsPerEpoch)
            return batches
        }
        let held = try batches()
        #expect(try batches() == held)
        let training = try FramePairStream(sources: sources(), options)
        func episodes(_ batches: [FramePairBatch]) -> Set<String> {
            Set(batches.flatMap(\.samples).map { "\($0.dataset) \($0.episode)" })
        }
        #expect(episodes(held).isDisjoint(with: episodes(try take(100, from: training))))
        // 3 and 5 episodes give 1 and 2; the single episode of `plain` stays in training.
        #expect(episodes(held).count == 3)
        #expect(training.datasets.map(\.episodes) == [2, 3, 1])
        for batch in held {
            for (slot, sample) in batch.samples.enumerated() {
                let color = FakeFrames.color(episode: sample.episode, frame: sample.frame)
                #expect(batch.pixels[slot * 384] == color[0] && batch.pixels[slot * 384 + 64] == color[1])
            }
        }
    }

    @Test("a finite split restored in the middle gives the rest, on ranks too")
    func restoringFinite() throws {
        let all = try FramePairStream(sources: sources(), options(), split: .all)
        let head = try take(7, from: all).flatMap(\.samples)
        var rest: [FramePairBatch.Sample] = []
        for rank in 0..<2 {
            let stream = try FramePairStream(
                sources: sources(), options(), split: .all, rank: rank, worldSize: 2, restoring: all.state)
            while let batch = try stream.next() { rest += batch.samples }
        }
        #expect((head + rest.sorted { $0.sample < $1.sample }).map(\.sample) == Array(0..<all.pairsPerEpoch))
    }

    // MARK: Facts

    @Test("the stream says what it takes from each dataset")
    func summary() throws {
        let stream = try FramePairStream(sources: sources(), options())
        // 38 + 10 + 31 starts of at least 3 frames, 24 + 8 + 8 + 59 + 17 of 2, 21 of 10.
        #expect(stream.datasets.map(\.pairs) == [79, 116, 21])
        #expect(stream.datasets.map(\.window) == [3...5, 2...2, 10...10])
        let shares: [Double] = [1, 2, 0.5]
        #expect(stream.datasets.map(\.share) == shares.map { $0 / 3.5 })
        #expect(stream.framesInMix == 236 && stream.pairsPerEpoch == 216)
        let wide = try FramePairStream(sources: sources(), options { $0.window = .fixed(20) })
        #expect(wide.datasets.map(\.shortEpisodes) == [1, 3, 0])
    }

    @Test("waiting for slow readers is measured")
    func waiting() throws {
        let slow = FakeFrames.source(name: "slow", weight: 1, lengths: [40], delay: 0.05)
        let stream = try FramePairStream(
            sources: [slow],
            options {
                $0.numWorkers = 1; $0.batchSize = 1
            })
        #expect(stream.waitedSeconds == 0)
        _ = try take(10, from: stream)
        // Ten reads of 50 ms by one thread; even on a busy machine much of it is spent in next().
        #expect(stream.waitedSeconds > 0.1)
    }

    // MARK: Failures

    @Test("a failing reader surfaces at its batch with the facts, after the good batches", arguments: [1, 4])
    func failure(_ workers: Int) throws {
        // Sequential: frame 20 of episode 0 is first asked for by sample 18 or so; batches of 5 before it are good.
        let stream = try FramePairStream(
            sources: sources(failAt: [0, 20]),
            options {
                $0.numWorkers = workers; $0.window = .fixed(3)
            }, split: .all)
        #expect(try take(3, from: stream).flatMap(\.samples).map(\.frame) == Array(0..<15))
        for _ in 0..<2 {
            #expect {
                try stream.next()
            } throws: { error in
                guard case StreamError.unreadableFrames(let dataset, let episode, let frames, let cause) = error else {
                    return false
                }
                return dataset == "toto_a" && episode == 0 && frames.contains(20) && cause is FakeFrames.Broken
            }
        }
        #expect(stream.state.position == 15)
    }

    @Test("too few or empty pictures from a reader are an error")
    func unusableFrames() throws {
        for shape in [FakeFrames.Shape.tooFew, .empty] {
            let source = FakeFrames.source(name: "odd", weight: 1, lengths: [40], shape: shape)
            let stream = try FramePairStream(sources: [source], options())
            #expect(throws: StreamError.self) { try stream.next() }
        }
    }

    @Test("letting go of a stream ends its threads, also while they read")
    func shutdown() throws {
        let log = FakeFrames.Log()
        for count in 0..<10 {
            let stream = try FramePairStream(
                sources: sources(log),
                options {
                    $0.numWorkers = 3; $0.prefetch = 3
                })
            _ = try take(count % 3, from: stream)
        }
        // deinit waits for the threads, so nothing reads any more and every reader is gone.
        let reads = log.reads
        Thread.sleep(forTimeInterval: 0.05)
        #expect(log.reads == reads && reads > 0)
    }

    @Test("only as much is read ahead as the queue holds")
    func bounded() throws {
        let log = FakeFrames.Log()
        let stream = try FramePairStream(
            sources: sources(log),
            options {
                $0.numWorkers = 4; $0.prefetch = 2
            })
        _ = try stream.next()
        Thread.sleep(forTimeInterval: 0.2)
        // One batch taken, three held (the next one and two ahead), five pairs of two frames each.
        #expect(log.reads <= 4 * 10)
    }

    @Test("bad options are errors that name the key")
    func badOptions() throws {
        func message(_ change: (inout StreamOptions) -> Void) -> String {
            do {
                _ = try FramePairStream(sources: sources(), options(change))
                return "accepted"
            } catch { return "\(error)" }
        }
        #expect(message { $0.batchSize = 0 }.contains("data.batch_size"))
        #expect(message { $0.resolution = .max }.contains("data.resolution"))
        #expect(message { $0.bufferSize = 0 }.contains("data.buffer_size"))
        #expect(message { $0.numWorkers = 0 }.contains("data.num_workers"))
        #expect(message { $0.prefetch = 0 }.contains("data.prefetch"))
        #expect(message { $0.window = .fixed(1) }.contains("data.window"))
        for fraction in [-0.1, 1, .nan] { #expect(message { $0.valFraction = fraction }.contains("data.val_fraction")) }
    }

    @Test("weights that are not positive numbers and an empty mix are errors", arguments: [0, -1, .nan, .infinity])
    func badWeights(_ weight: Double) {
        var bad = sources()
        bad[1].weight = weight
        #expect { try FramePairStream(sources: bad, options()) } throws: { error in
            if case StreamError.invalidWeight("ego4d_b", _) = error { true } else { false }
        }
        #expect { try FramePairStream(sources: [], options()) } throws: { error in
            if case StreamError.emptyMix = error { true } else { false }
        }
        for mix in [[StreamOptions.MixEntry("/nowhere", weight)], []] {
            #expect(throws: StreamError.self) { try FramePairStream(StreamOptions(datasetMix: mix)) }
        }
    }

    @Test("episodes that are all too short are an error with lengths and window")
    func tooShort() {
        let short = FakeFrames.source(name: "droid_short", weight: 1, lengths: [3, 14, 7])
        #expect { try FramePairStream(sources: [short], options()) } throws: { error in
            "\(error)".contains("droid_short") && "\(error)".contains("3 … 14") && "\(error)".contains("15 … 20")
        }
        let none = FakeFrames.source(name: "none", weight: 1, lengths: [])
        #expect(throws: StreamError.self) { try FramePairStream(sources: [none], options()) }
    }

    @Test("validation without held-out episodes and impossible ranks are errors")
    func impossible() {
        #expect { try FramePairStream(sources: sources(), options(), split: .val) } throws: { error in
            if case StreamError.nothingHeldOut = error { true } else { false }
        }
        for (rank, world) in [(1, 1), (-1, 2), (0, 0), (2, 2)] {
            #expect { try FramePairStream(sources: sources(), options(), rank: rank, worldSize: world) } throws: {
                if case StreamError.invalidRank = $0 { true } else { false }
            }
        }
    }

    @Test("a missing dataset is an error that names the places looked at")
    func missing() {
        let options = StreamOptions(datasetMix: [.init("lerobot/nowhere", 1)], root: "/no/such/folder")
        #expect { try FramePairStream(options) } throws: { error in
            guard case StreamError.missingDataset("lerobot/nowhere", let tried, _) = error else { return false }
            return tried == ["/no/such/folder/lerobot/nowhere"]
        }
    }
}
