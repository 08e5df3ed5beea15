import LAMData
import Randomness
import Testing

/// Pairs that are spread evenly over a split.
@Suite struct EvenDrawTests {
    @Test("one of each stretch of equal length, the same for a seed, and all where there are no more")
    func places() {
        let places = EvenDraw.places(10, of: 1003, seed: 5)
        #expect(places == EvenDraw.places(10, of: 1003, seed: 5) && places != EvenDraw.places(10, of: 1003, seed: 6))
        for (stretch, place) in places.enumerated() {
            #expect((stretch * 1003 / 10..<(stretch + 1) * 1003 / 10).contains(place))
        }
        #expect(EvenDraw.places(5, of: 5, seed: 1) == [0, 1, 2, 3, 4])
        #expect(EvenDraw.places(7, of: 5, seed: 1) == [0, 1, 2, 3, 4])
        #expect(EvenDraw.places(0, of: 5, seed: 1).isEmpty && EvenDraw.places(3, of: 0, seed: 1).isEmpty)
        let huge = EvenDraw.places(3, of: .max, seed: 1)
        #expect(huge.count == 3 && huge == huge.sorted())
    }

    private func order() -> SequentialOrder {
        func pairs(_ lengths: [Int]) -> EpisodePairs {
            EpisodePairs(
                episodes: lengths.enumerated().map { (position: $0, length: $1) },
                window: WindowRule(option: .fixed(4), name: "a", fps: 10, seed: 1, dataset: 0), padAtEnd: .drop)
        }
        // 3 + 5 pairs, none, 7 pairs.
        return SequentialOrder(datasets: [pairs([6, 2, 8]), pairs([3]), pairs([10])], seed: 1)
    }

    @Test("a list shows the pairs that all of the split have at its places, numbered anew, on any number of ranks")
    func listed() throws {
        var all = order(), whole: [SampleReference] = []
        while let next = try all.next() { whole.append(next) }
        #expect(whole.count == 15 && all.count == 15)
        let places = [14, 2, 2, 9]
        var list = ListedOrder(order(), places: places), shown: [SampleReference] = []
        while let next = try list.next() { shown.append(next) }
        #expect(shown.map(\.pair) == places.map { whole[$0].pair } && shown.map(\.sample) == [0, 1, 2, 3])
        #expect(shown.map(\.dataset) == [2, 0, 0, 2])
        var second = ListedOrder(order(), places: places)
        second.skip()
        #expect(try second.next() == shown[1] && second.position == 2)
    }

    @Test("a pair's successor begins where it ends, in the same episode")
    func successors() throws {
        var all = order(), whole: [SampleReference] = []
        while let next = try all.next() { whole.append(next) }
        for (place, sample) in whole.enumerated() {
            guard let next = order().successor(of: place) else {
                // The last three pairs of an episode have none.
                #expect(
                    !whole.contains {
                        $0.dataset == sample.dataset && $0.pair.episode == sample.pair.episode
                            && $0.pair.frame == sample.pair.target
                    })
                continue
            }
            #expect(whole[next].pair.frame == sample.pair.target && whole[next].pair.episode == sample.pair.episode)
            #expect(whole[next].dataset == sample.dataset)
        }
        #expect(order().successor(of: 8) == 11)
    }
}
