import Datasets
import Randomness

/// The order in which one pass over a dataset visits its pairs: every pair once, shuffled.
///
/// Files are put in random order and cut into windows of a few files. Within a window, runs of neighbouring pairs are
/// put in random order, then the sequence goes through a shuffle buffer of `bufferSize` references: the buffer is
/// filled, shuffled, emptied. Frames of some 32 episodes at a time are so mixed with each other, from few files, which
/// keeps the set of open or downloaded videos small. A dataset of few files is one window, and a buffer as large as the
/// dataset then gives a uniform shuffle.
///
/// The order is a function of (seed, dataset, pass, position) and of the files: nothing but the position has to be
/// saved, and any position is reached without walking there.
package struct ShuffledPass: Sendable {
    private let pairs: EpisodePairs
    private let seed: UInt64
    private let dataset: Int
    private let bufferSize: Int
    private let locality: FileLocality
    /// Slots of episodes by file, and where each file's begin, with the end of the last.
    private let slots: [Int32]
    private let fileStarts: [Int32]

    /// The pass at hand: its files in order, and the first file and position of each window, with the ends.
    private var pass = -1
    private var files: [Int] = []
    private var windowFiles: [Int] = []
    private var windowPositions: [Int] = []
    /// The window at hand: runs in order, and the position of each one's first pair within the window.
    private var window = -1
    private var runs: [Range<Int>] = []
    private var runPositions: [Int] = []
    /// The buffer's content in the order of leaving.
    private var filling = -1
    private var buffer: [Int] = []

    /// Windows hold at least so many buffers, unless the dataset is smaller.
    private static let buffersPerWindow = 4

    /// - Parameters:
    ///   - dataset: Place of the dataset in the mix, part of the stream's name.
    ///   - bufferSize: References in the buffer, at least 1.
    package init(
        pairs: EpisodePairs, bufferSize: Int, seed: UInt64, dataset: Int, locality: FileLocality = FileLocality()
    ) {
        precondition(pairs.count > 0, "a pass over no pairs")
        precondition(bufferSize > 0, "a shuffle buffer of \(bufferSize)")
        self.pairs = pairs
        self.seed = seed
        self.dataset = dataset
        self.bufferSize = bufferSize
        self.locality = locality
        let (slots, starts) = pairs.slotsByFile()
        self.slots = slots
        fileStarts = starts
    }

    private var fileCount: Int { fileStarts.count - 1 }

    /// Slots of the episodes of a file.
    private func slots(ofFile file: Int) -> ArraySlice<Int32> {
        slots[Int(fileStarts[file])..<Int(fileStarts[file + 1])]
    }

    /// Number of pairs in a pass.
    package var count: Int { pairs.count }

    /// The number of the pair at a position of a pass.
    ///
    /// - Throws: what fetching a file or reading its head throws; the order is as before then.
    package mutating func pair(pass: Int, position: Int) throws -> Int {
        if pass != self.pass { begin(pass) }
        let number = windowPositions.lastIndex(atMost: position)
        if number != window { shuffleRuns(number) }
        let offset = position - windowPositions[number]
        if offset / bufferSize != filling { try fill(offset / bufferSize) }
        return buffer[offset % bufferSize]
    }

    private mutating func begin(_ pass: Int) {
        self.pass = pass
        window = -1
        let smallest = bufferSize.multipliedReportingOverflow(by: Self.buffersPerWindow)
        guard fileCount > locality.filesAtOnce, !smallest.overflow, pairs.count > smallest.partialValue else {
            files = Array(0..<fileCount)
            (windowFiles, windowPositions) = ([0, files.count], [0])
            return
        }
        var generator = RandomGenerator(seed: seed, purpose: "files", dataset, pass)
        files = generator.permutation(fileCount)
        (windowFiles, windowPositions) = ([0], [0])
        var (position, first) = (0, 0)
        for (place, file) in files.enumerated() {
            position += slots(ofFile: file).reduce(0) { $0 + pairs.pairs(ofSlot: Int($1)).count }
            let isFull =
                place + 1 - first >= locality.filesAtOnce
                && position - windowPositions[windowPositions.count - 1] >= smallest.partialValue
            // What is left must make a whole window, too; else it joins the last one.
            let rest = files.count - place - 1
            guard isFull, rest >= locality.filesAtOnce, pairs.count - position >= smallest.partialValue else {
                continue
            }
            first = place + 1
            windowFiles.append(first)
            windowPositions.append(position)
        }
        windowFiles.append(files.count)
    }

    private var isWhole: Bool { windowPositions.count == 1 }

    private mutating func shuffleRuns(_ window: Int) {
        let length = max(1, bufferSize / 32)
        var inOrder: [Range<Int>] = []
        // Of a whole dataset in the order of its table, whichever files the episodes are in.
        let chosen =
            isWhole
            ? Array(slots.indices)
            : files[windowFiles[window]..<windowFiles[window + 1]].flatMap { file in
                slots(ofFile: file).map { Int($0) }
            }
        for slot in chosen {
            let own = pairs.pairs(ofSlot: slot)
            for start in stride(from: own.lowerBound, to: own.upperBound, by: length) {
                inOrder.append(start..<min(start + length, own.upperBound))
            }
        }
        var generator =
            isWhole
            ? RandomGenerator(seed: seed, purpose: "pass", dataset, pass)
            : RandomGenerator(seed: seed, purpose: "window", dataset, pass, window)
        runs = generator.permutation(inOrder.count).map { inOrder[$0] }
        var position = 0
        runPositions = runs.map { run in
            defer { position += run.count }
            return position
        }
        self.window = window
        filling = -1
    }

    private mutating func fill(_ filling: Int) throws {
        let end = window + 1 < windowPositions.count ? windowPositions[window + 1] : pairs.count
        let first = filling * bufferSize
        let size = min(bufferSize, end - windowPositions[window] - first)
        var slot = runPositions.lastIndex(atMost: first)
        var offset = first - runPositions[slot]
        var pieces: [Range<Int>] = []
        var taken = 0
        while taken < size {
            let start = runs[slot].lowerBound + offset
            let piece = start..<min(runs[slot].upperBound, start + size - taken)
            pieces.append(piece)
            taken += piece.count
            (slot, offset) = (slot + 1, 0)
        }
        try locality.expect(expected(pieces, from: slot))
        var generator =
            isWhole
            ? RandomGenerator(seed: seed, purpose: "buffer", dataset, pass, filling)
            : RandomGenerator(seed: seed, purpose: "buffer", dataset, pass, window, filling)
        var units = try pieces.flatMap { try cut($0) }
        generator.shuffle(&units)
        buffer.removeAll(keepingCapacity: true)
        for unit in units { buffer.append(contentsOf: unit) }
        self.filling = filling
    }

    private func cut(_ piece: Range<Int>) throws -> [Range<Int>] {
        let frames = try locality.framesPerKeyframe(pairs.file(ofPair: piece.lowerBound))
        let length = FileLocality.unit(framesPerKeyframe: frames)
        return stride(from: piece.lowerBound, to: piece.upperBound, by: length).map {
            $0..<min($0 + length, piece.upperBound)
        }
    }

    /// The files of this buffer, of the rest of the window and of the next one.
    private func expected(_ pieces: [Range<Int>], from run: Int) -> [Int] {
        var seen: Set<Int> = []
        var result: [Int] = []
        func add(_ file: Int) { if seen.insert(file).inserted { result.append(file) } }
        for piece in pieces { add(pairs.file(ofPair: piece.lowerBound)) }
        // As many as one more buffer of runs; small files are soon read, and large ones are few.
        for run in runs[run...].prefix(pieces.count) { add(pairs.file(ofPair: run.lowerBound)) }
        if window + 1 < windowPositions.count {
            for file in files[windowFiles[window + 1]..<windowFiles[window + 2]].prefix(2 * locality.filesAtOnce) {
                add(pairs.file(ofPair: pairs.pairs(ofSlot: Int(slots[Int(fileStarts[file])])).lowerBound))
            }
        }
        return result
    }
}
