/// A small cache that keeps the values used last.
struct RecentlyUsed<Key: Hashable, Value> {
    private let capacity: Int
    /// Least recently used first.
    private var entries: [(key: Key, value: Value)] = []

    /// - Parameter capacity: at most this many values are kept, at least 1. Look-up is linear: meant for dozens.
    init(capacity: Int) {
        precondition(capacity > 0, "RecentlyUsed: capacity is \(capacity)")
        self.capacity = capacity
    }

    /// The value of `key`, made if it is not there; the one unused longest goes before that.
    mutating func value(for key: Key, make: () throws -> Value) rethrows -> Value {
        if let position = entries.lastIndex(where: { $0.key == key }) {
            let entry = entries.remove(at: position)
            entries.append(entry)
            return entry.value
        }
        if entries.count == capacity { entries.removeFirst() }
        let value = try make()
        entries.append((key, value))
        return value
    }
}
