import Foundation
import Synchronization

/// `items.map(transform)` on several threads. After a failure no further item is begun.
///
/// - Throws: what the first item that failed threw, in the order of `items`.
package func concurrentMap<Item: Sendable, Result: Sendable>(
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
        thread.name = "lam.map"
        thread.start()
    }
    group.wait()
    return try work.finished()
}

private final class SharedWork<Value: Sendable>: Sendable {
    private let state: Mutex<(next: Int, results: [Result<Value, any Error>?], hasFailed: Bool)>

    init(_ count: Int) { state = Mutex((0, Array(repeating: nil, count: count), false)) }

    func take() -> Int? {
        state.withLock { state in
            guard state.next < state.results.count, !state.hasFailed else { return nil }
            state.next += 1
            return state.next - 1
        }
    }

    func finish(_ place: Int, _ result: Result<Value, any Error>) {
        state.withLock { state in
            state.results[place] = result
            if case .failure = result { state.hasFailed = true }
        }
    }

    func finished() throws -> [Value] {
        // SAFETY: places are taken in order and those that were are finished, so that what was not comes after a failure.
        try state.withLock { try $0.results.map { try $0!.get() } }
    }
}
