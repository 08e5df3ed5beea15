import Foundation
import Synchronization

/// Fetches files before they are asked for, on threads of its own. Failures are left to those who need the file.
package final class HubPrefetcher: Sendable {
    struct Request: Sendable {
        let snapshot: HubSnapshot
        let file: String
    }

    /// What the threads share; it lives as long as the last of them.
    private final class Work: Sendable {
        struct State {
            /// By dataset, the most urgent first.
            var waiting: [String: [Request]] = [:]
            var order: [String] = []
            var threads = 0
            /// Files under way, or of late in vain.
            var begun: Set<String> = []
        }
        let state = Mutex(State())
        let isCancelled = Atomic(false)
    }

    private let store: HubStore
    private let work = Work()
    private let threads: Int

    /// - Parameter threads: files fetched at the same time.
    package init(store: HubStore, threads: Int = 8) {
        (self.store, self.threads) = (store, threads)
    }

    deinit { work.isCancelled.store(true, ordering: .relaxed) }

    /// Replaces what is still to be fetched for a dataset.
    func expect(_ requests: [Request], for dataset: String) {
        let store = store
        let missing = requests.filter { !store.has($0.file, of: $0.snapshot) }
        let starts = work.state.withLock { state in
            if state.waiting[dataset] == nil { state.order.append(dataset) }
            state.waiting[dataset] = missing.filter { !state.begun.contains(Self.key($0)) }
            let wanted = min(threads, state.waiting.values.reduce(0) { $0 + $1.count })
            let starts = max(0, wanted - state.threads)
            state.threads += starts
            return starts
        }
        for _ in 0..<starts {
            let work = work
            let thread = Thread { Self.run(work, store) }
            thread.name = "lam.hub"
            thread.start()
        }
    }

    private static func key(_ request: Request) -> String {
        "\(request.snapshot.repository.id)@\(request.snapshot.commit)/\(request.file)"
    }

    private static func run(_ work: Work, _ store: HubStore) {
        while !work.isCancelled.load(ordering: .relaxed), let request = next(work) {
            let lease = try? store.hold(
                request.file, of: request.snapshot, isCancelled: { work.isCancelled.load(ordering: .relaxed) })
            if lease != nil { work.state.withLock { _ = $0.begun.remove(key(request)) } }
        }
    }

    /// Datasets take turns. A thread without work ends.
    private static func next(_ work: Work) -> Request? {
        work.state.withLock { state in
            for _ in state.order.indices {
                let dataset = state.order.removeFirst()
                state.order.append(dataset)
                guard let request = state.waiting[dataset]?.first else { continue }
                state.waiting[dataset]?.removeFirst()
                state.begun.insert(key(request))
                return request
            }
            state.threads -= 1
            return nil
        }
    }
}
