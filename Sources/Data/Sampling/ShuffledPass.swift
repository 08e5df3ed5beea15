import Randomness

/// The order in which one pass over a dataset visits its pairs: every pair once, shuffled.
///
/// Runs of neighbouring pairs are put in random order, then the sequence goes through a shuffle buffer of `bufferSize`
/// references: the buffer is filled, shuffled, emptied. Frames of some 32 episodes at a time are so mixed with each
/// other, which keeps the set of open videos small, while a buffer as large as the dataset gives a uniform shuffle.
///
/// The order is a function of (seed, dataset, pass, position): nothing but the position has to be saved, and any
/// position is reached without walking there.
package struct ShuffledPass: Sendable {
    private let seed: UInt64
    private let dataset: Int
    private let bufferSize: Int
    /// Starts of the runs, ascending, and the number of pairs at the end.
    private let runs: [Int]

    /// Order of the runs in the pass at hand, and the position of each run's first pair.
    private var pass = -1
    private var order: [Int] = []
    private var firstPositions: [Int] = []
    /// The buffer's content in the order of leaving.
    private var filling = -1
    private var buffer: [Int] = []

    /// - Parameters:
    ///   - dataset: Place of the dataset in the mix, part of the stream's name.
    ///   - bufferSize: References in the buffer, at least 1.
    package init(pairs: EpisodePairs, bufferSize: Int, seed: UInt64, dataset: Int) {
        precondition(pairs.count > 0, "a pass over no pairs")
        precondition(bufferSize > 0, "a shuffle buffer of \(bufferSize)")
        self.seed = seed
        self.dataset = dataset
        self.bufferSize = bufferSize
        runs = pairs.runs(of: max(1, bufferSize / 32))
    }

    /// Number of pairs in a pass.
    package var count: Int { runs[runs.count - 1] }

    /// The number of the pair at a position of a pass.
    package mutating func pair(pass: Int, position: Int) -> Int {
        if pass != self.pass { shuffleRuns(pass) }
        if position / bufferSize != filling { fill(position / bufferSize) }
        return buffer[position % bufferSize]
    }

    private mutating func shuffleRuns(_ pass: Int) {
        var generator = RandomGenerator(seed: seed, purpose: "pass", dataset, pass)
        order = generator.permutation(runs.count - 1)
        firstPositions.removeAll(keepingCapacity: true)
        var position = 0
        for run in order {
            firstPositions.append(position)
            position += runs[run + 1] - runs[run]
        }
        self.pass = pass
        filling = -1
    }

    private mutating func fill(_ filling: Int) {
        let first = filling * bufferSize
        let size = min(bufferSize, count - first)
        buffer.removeAll(keepingCapacity: true)
        var slot = firstPositions.lastIndex(atMost: first)
        var offset = first - firstPositions[slot]
        while buffer.count < size {
            let run = order[slot]
            let taken = min(size - buffer.count, runs[run + 1] - runs[run] - offset)
            buffer.append(contentsOf: (runs[run] + offset)..<(runs[run] + offset + taken))
            (slot, offset) = (slot + 1, 0)
        }
        var generator = RandomGenerator(seed: seed, purpose: "buffer", dataset, pass, filling)
        generator.shuffle(&buffer)
        self.filling = filling
    }
}
