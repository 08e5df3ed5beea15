import Synchronization

/// A question that is answered with yes from its `calls`th time on, whoever asks.
func cancelling(after calls: Int) -> @Sendable () -> Bool {
    let asked = Counter()
    return { asked.next() > calls }
}

private final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
