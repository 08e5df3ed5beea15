import Foundation
import LAMData
import Randomness
import TestSupport
import Testing

/// The order of samples over the episode tables of the reference datasets, against the acceptance points of
/// Tests/Goldens/data/README.md, "samples/".
@Suite struct SampleOrderTests {
    private struct Samples: Decodable { var episode_lengths: [String: [Int]] }

    /// The mix of the original's recorded runs.
    private static let mix: [(name: String, weight: Double, lengths: [Int])] = {
        // SAFETY: a file of the repository; without it no test of this suite means anything.
        let data = try! Data(contentsOf: Goldens.url("data/samples/samples.json"))
        let lengths = try! JSONDecoder().decode(Samples.self, from: data).episode_lengths
        let weights = [
            ("droid_push_v30", 1.0), ("push_default_v30", 2.0), ("ego4d_push_v30", 0.5), ("typed_columns_v30", 0.5),
        ]
        return weights.map { (name: $0.0, weight: $0.1, lengths: lengths[$0.0] ?? []) }
    }()

    private func pairs(
        _ lengths: [Int], _ name: String = "pusht", window: WindowOption = .auto, padAtEnd: PadAtEndOption = .drop
    ) -> EpisodePairs {
        EpisodePairs(
            episodes: lengths.enumerated().map { (position: $0, length: $1) },
            window: WindowRule(option: window, name: name, fps: 10, seed: 0, dataset: 0), padAtEnd: padAtEnd)
    }

    private func mixed(seed: UInt64, padAtEnd: PadAtEndOption = .drop, bufferSize: Int = 100) -> InterleavedOrder {
        InterleavedOrder(
            datasets: Self.mix.map { (pairs: pairs($0.lengths, $0.name, padAtEnd: padAtEnd), weight: $0.weight) },
            bufferSize: bufferSize, seed: seed)
    }

    private func take(_ count: Int, from order: some SampleOrder) throws -> [SampleReference] {
        var order = order
        return try (0..<count).compactMap { _ in try order.next() }
    }

    // MARK: The mix

    @Test("each dataset's share of 6000 samples follows its weight")
    func shares() throws {
        let samples = try take(6000, from: mixed(seed: 1))
        var counts = Array(repeating: 0, count: Self.mix.count)
        for sample in samples { counts[sample.dataset] += 1 }
        let sum = Self.mix.reduce(0) { $0 + $1.weight }
        let shares = Self.mix.map { $0.weight / sum }
        for (count, share) in zip(counts, shares) {
            #expect(abs(Double(count) - 6000 * share) <= 4 * (6000 * share * (1 - share)).squareRoot())
        }
        #expect(ChiSquare.pValue(observed: counts, probabilities: shares) > 1e-4)
        // Independent draws: what follows a dataset does not depend on it.
        var after = Array(repeating: 0, count: Self.mix.count)
        for (first, second) in zip(samples, samples.dropFirst()) where first.dataset == 1 { after[second.dataset] += 1 }
        #expect(ChiSquare.pValue(observed: after, probabilities: shares) > 1e-4)
    }

    @Test("after k passes every frame came k or k + 1 times", arguments: PadAtEndOption.allCases)
    func coverage(_ padAtEnd: PadAtEndOption) throws {
        let samples = try take(6000, from: mixed(seed: 2, padAtEnd: padAtEnd))
        for (dataset, entry) in Self.mix.enumerated() {
            let pairs = pairs(entry.lengths, entry.name, padAtEnd: padAtEnd)
            var counts: [[Int]: Int] = [:]
            let mine = samples.filter { $0.dataset == dataset }
            for sample in mine { counts[[sample.pair.episode, sample.pair.frame], default: 0] += 1 }
            let passes = mine.count / pairs.count
            #expect(passes >= 1 && counts.count == pairs.count)
            #expect(counts.values.allSatisfy { $0 == passes || $0 == passes + 1 })
            #expect(pairs.count == entry.lengths.reduce(0, +) || padAtEnd == .drop)
        }
    }

    @Test("the target lies window - 1 frames on, inside the episode, or is its last frame and marked")
    func targets() throws {
        for padAtEnd in PadAtEndOption.allCases {
            for sample in try take(6000, from: mixed(seed: 3, padAtEnd: padAtEnd)) {
                let length = Self.mix[sample.dataset].lengths[sample.pair.episode]
                let wanted = sample.pair.frame + sample.pair.window - 1
                #expect(sample.pair.isPad == (wanted >= length))
                #expect(sample.pair.target == min(wanted, length - 1))
                #expect(padAtEnd == .clamp || !sample.pair.isPad)
            }
        }
    }

    @Test(
        "the share of padded pairs in a pass is the sum of min(w - 1, length) over the frames", arguments: [2, 10, 70])
    func padFraction(_ window: Int) throws {
        for (_, _, lengths) in Self.mix {
            let all = pairs(lengths, window: .fixed(window), padAtEnd: .clamp)
            let order = InterleavedOrder(datasets: [(pairs: all, weight: 1)], bufferSize: 100, seed: 4)
            let padded = try take(all.count, from: order).filter(\.pair.isPad).count
            #expect(padded == lengths.reduce(0) { $0 + min(window - 1, $1) })
        }
    }

    @Test("windows are uniform over the lists and the same for the same seed")
    func windows() throws {
        for (name, frames) in [("toto", 3...5), ("droid", 15...20), ("ego4d", 2...2), ("pusht", 10...10)] {
            // Long episodes: near the end only short windows fit.
            let all = pairs(Array(repeating: 5000, count: 4), name)
            func windows(seed: UInt64) throws -> [Int] {
                try take(600, from: InterleavedOrder(datasets: [(pairs: all, weight: 1)], bufferSize: 100, seed: seed))
                    .map(\.pair.window)
            }
            let drawn = try windows(seed: 5)
            let counts = frames.map { window in drawn.filter { $0 == window }.count }
            #expect(counts.reduce(0, +) == 600)
            let equal = Array(repeating: 1 / Double(frames.count), count: frames.count)
            #expect(ChiSquare.pValue(observed: counts, probabilities: equal) > 1e-4)
            #expect(try windows(seed: 5) == drawn)
        }
    }

    // MARK: Shuffling

    @Test("the order of a pass is not correlated with the order of the dataset, even with a small buffer")
    func correlation() throws {
        for (_, _, lengths) in Self.mix where lengths.reduce(0, +) >= 300 {
            let all = pairs(lengths, "ego4d")
            for seed in 0..<20 as Range<UInt64> {
                var pass = ShuffledPass(pairs: all, bufferSize: 100, seed: seed, dataset: 0)
                let order = try (0..<all.count).map { Double(try pass.pair(pass: 0, position: $0)) }
                #expect(abs(Self.correlation(order)) < 0.25)
            }
        }
    }

    /// Correlation of a permutation of `0 ..< n` with its positions.
    private static func correlation(_ values: [Double]) -> Double {
        let mean = Double(values.count - 1) / 2
        var (covariance, variance) = (0.0, 0.0)
        for (position, value) in values.enumerated() {
            covariance += (Double(position) - mean) * (value - mean)
            variance += (value - mean) * (value - mean)
        }
        return covariance / variance
    }

    @Test("a buffer as large as the dataset shuffles uniformly")
    func uniformShuffle() throws {
        let all = pairs([5], window: .fixed(2))
        var counts: [[Int]: Int] = [:]
        for number in 0..<2400 {
            var pass = ShuffledPass(pairs: all, bufferSize: 1000, seed: 6, dataset: 0)
            counts[try (0..<4).map { try pass.pair(pass: number, position: $0) }, default: 0] += 1
        }
        let equal = Array(repeating: 1.0 / 24, count: 24)
        #expect(counts.count == 24 && ChiSquare.pValue(observed: Array(counts.values), probabilities: equal) > 1e-4)
    }

    @Test("seeds and passes give different orders, the same seed the same one")
    func seeds() throws {
        let first = try take(500, from: mixed(seed: 7))
        #expect(try take(500, from: mixed(seed: 7)) == first)
        let other = try take(500, from: mixed(seed: 8))
        #expect(zip(first, other).filter { $0 == $1 }.count < 25)
        let all = pairs([300])
        var pass = ShuffledPass(pairs: all, bufferSize: 100, seed: 7, dataset: 0)
        let orders = try (0..<2).map { number in try (0..<all.count).map { try pass.pair(pass: number, position: $0) } }
        #expect(orders[0] != orders[1] && orders[0].sorted() == orders[1].sorted())
    }

    // MARK: Properties

    @Test("any table of episodes is visited exactly once per pass, and any position can be restored")
    func randomTables() throws {
        var generator = RandomGenerator(seed: 8, purpose: "tables")
        for _ in 0..<100 {
            let lengths = (0..<generator.integer(in: 1...12)).map { _ in generator.integer(in: 1...40) }
            let name = ["ego4d", "toto", "droid", "pusht"][generator.integer(below: 4)]
            let padAtEnd = PadAtEndOption.allCases[generator.integer(below: 2)]
            let all = pairs(lengths, name, padAtEnd: padAtEnd)
            let smallest = all.window.frames.lowerBound
            let expected = lengths.reduce(0) { $0 + (padAtEnd == .clamp ? $1 : max(0, $1 - smallest + 1)) }
            #expect(all.count == expected)
            #expect(all.shortEpisodes == (padAtEnd == .clamp ? 0 : lengths.filter { $0 < smallest }.count))
            guard all.count > 0 else { continue }
            let bufferSize = generator.integer(in: 1...200)
            let order = InterleavedOrder(
                datasets: [(pairs: all, weight: 3)], bufferSize: bufferSize, seed: generator.next())
            let samples = try take(2 * all.count, from: order)
            for pass in [samples.prefix(all.count), samples.suffix(all.count)] {
                #expect(Set(pass.map { [$0.pair.episode, $0.pair.frame] }).count == all.count)
            }
            for sample in samples {
                #expect(all.window.frames.contains(sample.pair.window))
                #expect(sample.pair.target < lengths[sample.pair.episode] && sample.pair.frame >= 0)
            }
        }
    }

    @Test("an order continues from any position, also where other ranks' samples were passed over")
    func restoring() throws {
        let samples = try take(1500, from: mixed(seed: 9))
        var skipping = mixed(seed: 9)
        for sample in samples {
            if sample.sample % 3 == 1 { #expect(try skipping.next() == sample) } else { skipping.skip() }
            guard sample.sample % 97 == 0 else { continue }
            var restored = InterleavedOrder(
                datasets: Self.mix.map { (pairs: pairs($0.lengths, $0.name), weight: $0.weight) }, bufferSize: 100,
                seed: 9, position: skipping.position, drawn: skipping.drawn)
            for expected in samples.dropFirst(skipping.position).prefix(5) { #expect(try restored.next() == expected) }
        }
    }

    @Test("the sequential order visits every pair of every dataset in order, once")
    func sequential() throws {
        let all = [pairs([12, 3, 10]), pairs([1]), pairs([30], "toto")]
        let samples = try take(1000, from: SequentialOrder(datasets: all, seed: 10))
        #expect(samples.map(\.dataset) == [0, 0, 0, 0] + Array(repeating: 2, count: 28))
        #expect(samples.prefix(4).map { [$0.pair.episode, $0.pair.frame] } == [[0, 0], [0, 1], [0, 2], [2, 0]])
        #expect(samples.dropFirst(4).map(\.pair.frame) == Array(0..<28))
        #expect(Set(samples.dropFirst(4).map(\.pair.window)) == [3, 4, 5])
        for position in 0...samples.count {
            let rest = try take(1000, from: SequentialOrder(datasets: all, seed: 10, position: position))
            #expect(rest == Array(samples.dropFirst(position)))
        }
        #expect(try take(1000, from: SequentialOrder(datasets: all, seed: 10)) == samples)
    }

    // MARK: Held-out episodes

    @Test("splits are disjoint, complete, seeded and never empty on one side")
    func split() throws {
        func positions(_ split: EpisodeSplit, _ lengths: [Int], _ fraction: Double, seed: UInt64 = 1) -> [Int] {
            split.episodes(lengths: lengths, name: "set", valFraction: fraction, seed: seed) { $0 >= 10 }
        }
        let lengths = Array(repeating: 20, count: 50)
        let held = positions(.val, lengths, 0.1)
        #expect(held.count == 5 && Set(held).isDisjoint(with: positions(.train, lengths, 0.1)))
        #expect((held + positions(.train, lengths, 0.1)).sorted() == Array(0..<50))
        #expect(held == positions(.val, lengths, 0.1) && held != positions(.val, lengths, 0.1, seed: 2))
        #expect(positions(.all, lengths, 0.1) == Array(0..<50))

        #expect(positions(.val, lengths, 0).isEmpty && positions(.train, lengths, 0).count == 50)
        #expect(positions(.val, lengths, 0.001).count == 1 && positions(.train, lengths, 0.999).count == 1)
        #expect(positions(.val, [20], 0.5).isEmpty && positions(.train, [20], 0.5) == [0])
        // An episode that yields nothing must not be the only one held out.
        for seed in 0..<20 as Range<UInt64> {
            let held = positions(.val, [5, 20, 5, 20], 0.25, seed: seed)
            #expect(held == [1] || held == [3])
        }
    }
}
