import LAMData
import Randomness
import Synchronization
import TestSupport
import Testing

/// How the order of samples goes through the files of a dataset.
@Suite struct FileLocalityTests {
    private func pairs(_ lengths: [Int], files: [Int]) -> EpisodePairs {
        EpisodePairs(
            episodes: lengths.enumerated().map { (position: $0, length: $1) },
            window: WindowRule(option: .fixed(2), name: "set", fps: 10, seed: 0, dataset: 0), padAtEnd: .drop,
            file: { files[$0] })
    }

    private func order(_ pass: inout ShuffledPass, pass number: Int = 0) throws -> [Int] {
        try (0..<pass.count).map { try pass.pair(pass: number, position: $0) }
    }

    @Test("a pass over many files shows every pair once and has few files under way at any time")
    func windows() throws {
        let all = pairs(Array(repeating: 41, count: 200), files: (0..<200).map { $0 / 4 })
        var pass = ShuffledPass(pairs: all, bufferSize: 64, seed: 1, dataset: 0)
        for number in 0..<2 {
            let order = try order(&pass, pass: number)
            #expect(order.sorted() == Array(0..<all.count))
            // From the first to the last use of a file lies no more than a window and the one it may have swallowed.
            var (first, last): ([Int: Int], [Int: Int]) = ([:], [:])
            for (position, pair) in order.enumerated() {
                first[all.file(ofPair: pair)] = first[all.file(ofPair: pair)] ?? position
                last[all.file(ofPair: pair)] = position
            }
            #expect(first.count == 50)
            #expect(first.allSatisfy { (last[$0.key] ?? 0) - $0.value < 2 * 4 * 160 })
            // And yet neighbours in the order are from different episodes.
            let same = zip(order, order.dropFirst()).count { abs($0 - $1) < 40 }
            #expect(same < all.count / 4)
        }
        #expect(try order(&pass, pass: 0) != order(&pass, pass: 1))
    }

    @Test("any position of a pass is reached at once, and is what walking there gives")
    func positions() throws {
        let all = pairs((0..<90).map { 20 + $0 % 37 }, files: (0..<90).map { $0 / 3 })
        var walked = ShuffledPass(pairs: all, bufferSize: 50, seed: 2, dataset: 1)
        let expected = try order(&walked, pass: 3)
        for position in stride(from: 0, to: all.count, by: 97) {
            var jumped = ShuffledPass(pairs: all, bufferSize: 50, seed: 2, dataset: 1)
            #expect(try jumped.pair(pass: 3, position: position) == expected[position])
        }
    }

    @Test("pairs of files with long groups of pictures come with their neighbours, those of short ones alone")
    func units() throws {
        let all = pairs(Array(repeating: 101, count: 40), files: (0..<40).map { $0 % 2 })
        let locality = FileLocality(framesPerKeyframe: { $0 == 0 ? 2 : 250 })
        var pass = ShuffledPass(pairs: all, bufferSize: 640, seed: 3, dataset: 0, locality: locality)
        let order = try order(&pass)
        #expect(order.sorted() == Array(0..<all.count))
        var neighbours = [0, 0]
        for (first, second) in zip(order, order.dropFirst()) where second == first + 1 {
            neighbours[all.file(ofPair: first)] += 1
        }
        // Units of eight have seven neighbours in eight; cut ones at the ends of runs and buffers fewer.
        #expect(neighbours[0] < 100 && neighbours[1] > 2000 * 3 / 4)
        #expect([1, 8, 15, 16, 30, 64, 250].map(FileLocality.unit) == [1, 1, 1, 2, 3, 8, 8])
    }

    @Test("real files decide by their own packets")
    func packets() throws {
        for (name, unit) in [("ego4d_push_v30", 1), ("toto_push_lf_v21", 1), ("toto_push_images_v30", 1)] {
            let source = try StreamSource(SampleDatasets.open(name), weight: 1)
            #expect(FileLocality.unit(framesPerKeyframe: try source.locality.framesPerKeyframe(0)) == unit)
        }
        // Written with a keyframe every twelve and every two frames.
        let groups = try ["ego4d_push_v30", "droid_push_v30"].map {
            try StreamSource(SampleDatasets.open($0), weight: 1).locality.framesPerKeyframe(0)
        }
        #expect(groups == [12, 2])
    }

    @Test("the files of a buffer are told before they are needed, and no file is used that was not told")
    func expectations() throws {
        let told = Mutex<Set<Int>>([])
        let all = pairs(Array(repeating: 33, count: 120), files: Array(0..<120))
        let locality = FileLocality(expect: { files in told.withLock { $0.formUnion(files) } })
        var pass = ShuffledPass(pairs: all, bufferSize: 40, seed: 4, dataset: 0, locality: locality)
        for position in 0..<all.count {
            let file = all.file(ofPair: try pass.pair(pass: 0, position: position))
            #expect(told.withLock { $0.contains(file) })
            if position == 0 { #expect(told.withLock { $0.count } < 40) }
        }
    }

    struct Unreachable: Error {}

    @Test("a file that cannot be had leaves the order where it was, and it goes on when it can")
    func failing() throws {
        let isDown = Atomic(true)
        let all = pairs(Array(repeating: 50, count: 8), files: Array(0..<8))
        let locality = FileLocality(framesPerKeyframe: { _ in
            if isDown.load(ordering: .relaxed) { throw Unreachable() }
            return 2
        })
        var order = InterleavedOrder(
            datasets: [(pairs: all, weight: 1)], localities: [locality], bufferSize: 16, seed: 5)
        for _ in 0..<2 { #expect(throws: Unreachable.self) { try order.next() } }
        #expect(order.position == 0)
        isDown.store(false, ordering: .relaxed)
        var other = InterleavedOrder(datasets: [(pairs: all, weight: 1)], bufferSize: 16, seed: 5)
        for _ in 0..<100 { #expect(try order.next() == other.next()) }
    }

    @Test("successive pairs of a dataset are independent, from one to sixteen draws apart")
    func independenceWithin() throws {
        // One window, one buffer: a uniform shuffle, of which the quarter of the dataset says nothing about the next.
        let all = pairs(Array(repeating: 101, count: 40), files: Array(repeating: 0, count: 40))
        for (seed, lag) in [(11, 1), (12, 2), (13, 3), (14, 7), (15, 16)] as [(UInt64, Int)] {
            var pass = ShuffledPass(pairs: all, bufferSize: all.count, seed: seed, dataset: 0)
            let quarters = try order(&pass).map { $0 * 4 / all.count }
            var table = Array(repeating: 0, count: 16)
            // Steps of twice the lag, so that no draw stands in two cells.
            for first in 0..<(all.count - lag) where first / lag % 2 == 0 {
                table[4 * quarters[first] + quarters[first + lag]] += 1
            }
            #expect(ChiSquare.pValue(observed: table, probabilities: Array(repeating: 1 / 16, count: 16)) > 1e-4)
        }
    }

    @Test("successive draws are independent: the table of a dataset and the next one is as if each was drawn alone")
    func independence() throws {
        let sets = [
            pairs(Array(repeating: 60, count: 30), files: Array(0..<30)),
            pairs(Array(repeating: 90, count: 20), files: Array(0..<20)),
        ]
        var order = InterleavedOrder(
            datasets: [(pairs: sets[0], weight: 1), (pairs: sets[1], weight: 3)], bufferSize: 400, seed: 6)
        var table = [0, 0, 0, 0]
        var last: Int?
        for _ in 0..<8000 {
            let next = try #require(try order.next()).dataset
            if let last { table[2 * last + next] += 1 }
            last = next
        }
        #expect(ChiSquare.pValue(observed: table, probabilities: [1, 3, 3, 9].map { $0 / 16 }) > 1e-4)
    }
}
