import Collectives
import Testing

@Suite struct ShardTests {
    @Test("shards follow each other, cover everything, and differ by at most one element")
    func partition() {
        for (count, size) in [(0, 3), (1, 4), (7, 2), (100, 7), (64, 64), (1_000_003, 64)] {
            let shards = (0..<size).map { Shard.range(of: count, rank: $0, size: size) }
            #expect(shards.first?.lowerBound == 0 && shards.last?.upperBound == count)
            for (a, b) in zip(shards, shards.dropFirst()) { #expect(a.upperBound == b.lowerBound) }
            let counts = shards.map(\.count)
            #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
        }
    }
}
