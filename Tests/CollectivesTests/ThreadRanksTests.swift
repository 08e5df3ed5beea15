import Collectives
import Foundation
import Testing

/// Ranks that are threads of one process.
@Suite struct ThreadRanksTests {
    private struct Fault: Error, Equatable {
        let rank: Int
    }

    private final class Calls: @unchecked Sendable {
        // SAFETY: the number is touched with `lock` held.
        private let lock = NSLock()
        private var number = 0

        func add() { lock.withLock { number += 1 } }
        var count: Int { lock.withLock { number } }
    }

    @Test("meet as often as they like, and give what each has in order of ranks")
    func gather() throws {
        for size in 1...4 {
            let all = try ThreadRanks(size, host: "here").run { group -> [[[Int32]]] in
                #expect(group.size == size && group.hosts == [String](repeating: "here", count: size))
                return try (0..<100).map { round in
                    try group.allGather([Int32](repeating: Int32(group.rank), count: round % 3), for: "test")
                }
            }
            #expect(all.count == size)
            for rounds in all {
                for (round, parts) in rounds.enumerated() {
                    #expect(parts == (0..<size).map { [Int32](repeating: Int32($0), count: round % 3) })
                }
            }
        }
    }

    @Test("sums are those in order of ranks, and shards come together")
    func sums() throws {
        let all = try ThreadRanks(3, host: "here").run { group -> (sum: [Float], gathered: [Float]) in
            var sum = (0..<7).map { Float(group.rank + 1) * 0.1 + Float($0) }, own = sum
            try sum.withUnsafeMutableBufferPointer {
                try group.wait(group.startSum($0, wire: .f32, gathers: true), for: "test")
            }
            try own.withUnsafeMutableBufferPointer { try group.wait(group.startGather($0), for: "test") }
            return (sum, own)
        }
        for (sum, gathered) in all {
            for place in 0..<7 {
                let parts = (0..<3).map { Float($0 + 1) * 0.1 + Float(place) }
                #expect(sum[place] == parts[0] + parts[1] + parts[2])
                let owner = (0..<3).first { Shard.range(of: 7, rank: $0, size: 3).contains(place) } ?? 0
                #expect(gathered[place] == parts[owner])
            }
        }
    }

    @Test("the first error ends the waiting of all, and is the run's")
    func failure() throws {
        let calls = Calls()
        let ranks = ThreadRanks(3, host: "here") { calls.add() }
        #expect(throws: Fault(rank: 1)) {
            try ranks.run { group in
                _ = try group.allGather([0], for: "start")
                if group.rank == 1 { throw Fault(rank: 1) }
                _ = try group.allGather([1], for: "the next step")
            }
        }
        #expect(calls.count == 1)
    }

    @Test("an error that all ranks have is the run's, too")
    func together() throws {
        #expect(throws: CollectiveError.self) {
            try ThreadRanks(2, host: "here").run { group in
                try group.together(for: "data", status: { _ in 3 }) { throw Fault(rank: 0) }
            }
        }
    }

    @Test("a rank that does not come is named")
    func timeout() throws {
        let ranks = ThreadRanks(2, host: "here")
        do {
            _ = try ranks.run { group in
                group.timeout = 0.2
                if group.rank == 0 { _ = try group.allGather([0], for: "metrics") }
            }
            Issue.record("nobody missed rank 1")
        } catch CollectiveError.timeout(let purpose, let waiting, let missing, let seconds) {
            #expect(purpose == "metrics" && waiting.rank == 0 && missing.map(\.rank) == [1] && seconds == 0.2)
        }
    }
}
