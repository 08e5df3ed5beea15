import Foundation
import Synchronization

/// `items.map(transform)` on several threads, for work that waits for disks and networks.
///
/// - Throws: what the first item that failed threw, in the order of `items`.
func concurrentMap<Item: Sendable, Result: Sendable>(
    _ items: [Item], threads: Int, _ transform: @escaping @Sendable (Item) throws -> Result
) throws -> [Result] {
    guard items.count > 1, threads > 1 else { return try items.map(transform) }
    let work = SharedWork<Result>(items.count)
    let group = DispatchGroup()
    for _ in 0..<min(threads, items.count) {
        group.enter()
        // Threads of our own: a dispatch queue has no more than there are cores.
        let thread = Thread {
            while let place = work.take() { work.finish(place, Swift.Result { try transform(items[place]) }) }
            group.leave()
        }
        thread.name = "lam.open"
        thread.start()
    }
    group.wait()
    return try work.finished()
}

private final class SharedWork<Value: Sendable>: Sendable {
    private let state: Mutex<(next: Int, results: [Result<Value, any Error>?])>

    init(_ count: Int) { state = Mutex((0, Array(repeating: nil, count: count))) }

    func take() -> Int? {
        state.withLock { state in
            guard state.next < state.results.count else { return nil }
            state.next += 1
            return state.next - 1
        }
    }

    func finish(_ place: Int, _ result: Result<Value, any Error>) { state.withLock { $0.results[place] = result } }

    func finished() throws -> [Value] {
        // SAFETY: called after every place was taken and finished.
        try state.withLock { try $0.results.map { try $0!.get() } }
    }
}
