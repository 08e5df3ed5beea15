import Datasets
import Randomness

/// One sample of the global order: which pair of which dataset, by reference.
package struct SampleReference: Sendable, Hashable {
    /// Place in the global order of all ranks; names the random numbers of the sample.
    package var sample: Int
    /// Place of the dataset in the mix.
    package var dataset: Int
    package var pair: EpisodePair
}

/// The global order of samples, the same on every rank and for every number of ranks.
package protocol SampleOrder: Sendable {
    /// Samples passed so far.
    var position: Int { get }
    /// How many of them each dataset gave, in the order of the mix.
    var drawn: [Int] { get }
    /// The next sample; `nil` at the end of a finite order.
    ///
    /// - Throws: what fetching a file throws that the order depends on; the position is as before then.
    mutating func next() throws -> SampleReference?
    /// Passes over the next sample, which another rank takes.
    mutating func skip()
}

/// The endless order of training: at every step an independent draw of the dataset by weight, then the next pair of
/// that dataset's own shuffled passes (SPEC_LEROBOT §8, "Mixing").
package struct InterleavedOrder: SampleOrder {
    package private(set) var position: Int
    package private(set) var drawn: [Int]

    private let seed: UInt64
    /// Running sums of the weights.
    private let cumulative: [Double]
    private let pairs: [EpisodePairs]
    private var passes: [ShuffledPass]

    /// - Parameters:
    ///   - datasets: Pairs and weight of every dataset; none without pairs, every weight positive.
    ///   - localities: Files of every dataset.
    ///   - position: Samples passed so far, `drawn` of them from each dataset.
    package init(
        datasets: [(pairs: EpisodePairs, weight: Double)], localities: [FileLocality]? = nil, bufferSize: Int,
        seed: UInt64, position: Int = 0, drawn: [Int]? = nil
    ) {
        let drawn = drawn ?? Array(repeating: 0, count: datasets.count)
        precondition(!datasets.isEmpty && datasets.allSatisfy { $0.weight > 0 }, "weights \(datasets.map(\.weight))")
        precondition(
            drawn.count == datasets.count && drawn.reduce(0, +) == position,
            "\(drawn) samples of \(datasets.count) datasets do not sum to position \(position)")
        self.position = position
        self.drawn = drawn
        self.seed = seed
        var sum = 0.0
        cumulative = datasets.map {
            sum += $0.weight
            return sum
        }
        pairs = datasets.map(\.pairs)
        passes = datasets.enumerated().map {
            ShuffledPass(
                pairs: $1.pairs, bufferSize: bufferSize, seed: seed, dataset: $0,
                locality: localities?[$0] ?? FileLocality())
        }
    }

    package mutating func next() throws -> SampleReference? {
        var (dataset, generator) = draw()
        let count = passes[dataset].count
        let index = try passes[dataset].pair(pass: drawn[dataset] / count, position: drawn[dataset] % count)
        let reference = SampleReference(
            sample: position, dataset: dataset, pair: pairs[dataset].pair(index, using: &generator))
        advance(dataset)
        return reference
    }

    package mutating func skip() { advance(draw().dataset) }

    private mutating func advance(_ dataset: Int) {
        drawn[dataset] += 1
        position += 1
    }

    /// Every sample has its own generator, so no rank needs the draws of another one's samples.
    private func draw() -> (dataset: Int, generator: RandomGenerator) {
        var generator = RandomGenerator(seed: seed, purpose: "sample", position)
        let point = generator.uniform() * cumulative[cumulative.count - 1]
        let dataset = cumulative.firstIndex { point < $0 } ?? cumulative.count - 1
        return (dataset, generator)
    }
}

/// The finite order of validation and prediction: dataset after dataset, episode after episode, frame after frame.
package struct SequentialOrder: SampleOrder {
    package private(set) var position: Int
    package var drawn: [Int] {
        zip(pairs, firstSamples).map { min(max(position - $1, 0), $0.count) }
    }

    private let seed: UInt64
    private let pairs: [EpisodePairs]
    private let localities: [FileLocality]?
    private let firstSamples: [Int]
    /// The last sample's dataset and file.
    private var last: (dataset: Int, file: Int)?
    package let count: Int

    package init(datasets: [EpisodePairs], localities: [FileLocality]? = nil, seed: UInt64, position: Int = 0) {
        self.seed = seed
        self.localities = localities
        pairs = datasets
        var sum = 0
        firstSamples = datasets.map { pairs in
            defer { sum += pairs.count }
            return sum
        }
        count = sum
        precondition(position >= 0 && position <= sum, "position \(position) of \(sum)")
        self.position = position
    }

    package mutating func next() throws -> SampleReference? {
        guard position < count else { return nil }
        let reference = try self.reference(at: position, as: position)
        position += 1
        return reference
    }

    /// The sample at a place, whatever was taken so far.
    ///
    /// - Parameter sample: what it is called.
    mutating func reference(at place: Int, as sample: Int) throws -> SampleReference {
        let (dataset, index) = self.index(at: place)
        try expectFiles(dataset, index)
        return SampleReference(sample: sample, dataset: dataset, pair: pair(dataset, index))
    }

    /// The place of the pair whose first frame is the second one of the pair at a place; nil where its episode has none.
    package func successor(of place: Int) -> Int? {
        let (dataset, index) = self.index(at: place)
        let pair = self.pair(dataset, index)
        guard !pair.isPad else { return nil }
        return pairs[dataset].index(index, advancedBy: pair.target - pair.frame).map { firstSamples[dataset] + $0 }
    }

    private func index(at place: Int) -> (dataset: Int, index: Int) {
        // Datasets without pairs share their first sample with the next one; the last of them is the one with pairs.
        let dataset = firstSamples.lastIndex(atMost: place)
        return (dataset, place - firstSamples[dataset])
    }

    private func pair(_ dataset: Int, _ index: Int) -> EpisodePair {
        // Named by the pair, not by the position, so that a window stays the same whatever else is in the mix.
        var generator = RandomGenerator(seed: seed, purpose: "sequential", dataset, index)
        return pairs[dataset].pair(index, using: &generator)
    }

    package mutating func skip() { position = min(count, position + 1) }

    private mutating func expectFiles(_ dataset: Int, _ index: Int) throws {
        guard let locality = localities?[dataset] else { return }
        let file = pairs[dataset].file(ofPair: index)
        guard last.map({ $0 != (dataset, file) }) ?? true else { return }
        last = (dataset, file)
        try locality.expect(pairs[dataset].files(from: index, count: 2 * locality.filesAtOnce))
    }
}

/// Chosen places of the finite order, in the order in which they are named.
package struct ListedOrder: SampleOrder {
    private var all: SequentialOrder
    private let places: [Int]
    package private(set) var position = 0

    /// - Parameter places: in `all`; what is drawn twice is shown twice.
    package init(_ all: SequentialOrder, places: [Int]) {
        precondition(places.allSatisfy { $0 >= 0 && $0 < all.count }, "places beyond \(all.count) pairs")
        (self.all, self.places) = (all, places)
    }

    /// Nobody goes on from within a list.
    package var drawn: [Int] { [position] + all.drawn.dropFirst().map { _ in 0 } }

    package mutating func next() throws -> SampleReference? {
        guard position < places.count else { return nil }
        let reference = try all.reference(at: places[position], as: position)
        position += 1
        return reference
    }

    package mutating func skip() { position = min(places.count, position + 1) }
}
