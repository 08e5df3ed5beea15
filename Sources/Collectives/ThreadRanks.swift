import Foundation

/// Ranks that are threads of one process, each of which drives a device of its own.
///
/// They work on a run as processes do, and tell each other of it through memory. When one of them fails, the others stop
/// waiting for it.
public final class ThreadRanks: @unchecked Sendable {
    // SAFETY: everything mutable is touched with `lock` held.
    public let size: Int
    fileprivate let host: String
    private let lock = NSCondition()
    private var parts: [[UInt8]?]
    /// Meetings that have ended, and what the last one has given.
    private var meetings = 0
    private var gathered: [[UInt8]] = []
    fileprivate var patience = 1800.0
    private var failure: (any Error)?
    private let whenOneFails: @Sendable () -> Void

    /// - Parameters:
    ///   - host: the name of this machine.
    ///   - whenOneFails: called once, by the first rank that throws, so that others stop waiting elsewhere, too.
    public init(_ size: Int, host: String, whenOneFails: @escaping @Sendable () -> Void = {}) {
        precondition(size > 0, "\(size) ranks")
        (self.size, self.host, self.whenOneFails) = (size, host, whenOneFails)
        parts = [[UInt8]?](repeating: nil, count: size)
    }

    /// Frames of unoptimised code are large.
    private static let stackBytes = 16 << 20

    /// Runs `body` on every rank at the same time.
    ///
    /// - Returns: what each gives, in order of ranks.
    /// - Throws: the first error that a rank has met; others have stopped because of it.
    public func run<Value: Sendable>(_ body: @escaping @Sendable (any ProcessGroup) throws -> Value) throws -> [Value] {
        // SAFETY: written under the lock, and read once all have left.
        nonisolated(unsafe) var values = [Value?](repeating: nil, count: size)
        let left = DispatchGroup()
        for rank in 0..<size {
            left.enter()
            let work = Work { [self] in
                do {
                    let value = try body(ThreadRank(self, rank: rank))
                    locked { values[rank] = value }
                } catch { fail(error) }
            }
            let thread = Thread {
                work.run()
                left.leave()
            }
            thread.stackSize = Self.stackBytes
            thread.name = "lam-rank \(rank)"
            thread.start()
        }
        left.wait()
        if let failure = locked({ failure }) { throw failure }
        return values.compactMap { $0 }
    }

    private func fail(_ error: any Error) {
        let isFirst = locked { () -> Bool in
            defer {
                failure = failure ?? error
                lock.broadcast()
            }
            return failure == nil
        }
        if isFirst { whenOneFails() }
    }

    fileprivate func locked<Value>(_ body: () -> Value) -> Value {
        lock.lock()
        defer { lock.unlock() }
        return body()
    }

    /// Waits for the parts of all ranks.
    fileprivate func meet(_ bytes: [UInt8], rank: Int, for purpose: String) throws(CollectiveError) -> [[UInt8]] {
        lock.lock()
        defer { lock.unlock() }
        let meeting = meetings
        parts[rank] = bytes
        let all = parts.compactMap { $0 }
        if all.count == size {
            gathered = all
            parts = [[UInt8]?](repeating: nil, count: size)
            meetings += 1
            lock.broadcast()
            return gathered
        }
        let end = Date(timeIntervalSinceNow: patience)
        while meetings == meeting, failure == nil {
            guard !lock.wait(until: end), meetings == meeting, failure == nil else { continue }
            let missing = parts.indices.filter { parts[$0] == nil }
            throw .timeout(
                purpose: purpose, waiting: name(rank), missing: missing.map(name), seconds: patience)
        }
        guard meetings > meeting else {
            throw .rankFailed(rank: name(rank), message: "\(purpose): another rank has failed", status: 1)
        }
        return gathered
    }

    private func name(_ rank: Int) -> CollectiveError.RankName { .init(rank: rank, host: host) }
}

/// What a thread does, and lets go of when it is done: devices must be closed by whoever opened them, before the process ends.
private final class Work: @unchecked Sendable {
    // SAFETY: belongs to the one thread that runs it.
    private var body: (() -> Void)?

    init(_ body: @escaping () -> Void) { self.body = body }

    func run() {
        body?()
        body = nil
    }
}

/// One rank of a process that has several.
private final class ThreadRank: ProcessGroup, @unchecked Sendable {
    // SAFETY: used by its own thread alone, as groups are.
    let rank: Int
    private let ranks: ThreadRanks
    /// Transfers that were asked for: each is made where it is waited for.
    private var pending: [ObjectIdentifier: (values: UnsafeMutableBufferPointer<Float>, sums: Bool)] = [:]

    init(_ ranks: ThreadRanks, rank: Int) { (self.ranks, self.rank) = (ranks, rank) }

    var size: Int { ranks.size }
    var hosts: [String] { [String](repeating: ranks.host, count: size) }
    /// Memory is not waited for.
    var communicationSeconds: Double { 0 }
    var timeout: Double {
        get { ranks.locked { ranks.patience } }
        set { ranks.locked { ranks.patience = newValue } }
    }

    func allGather(_ bytes: [UInt8], for purpose: String) throws(CollectiveError) -> [[UInt8]] {
        try ranks.meet(bytes, rank: rank, for: purpose)
    }

    /// Nothing travels, so that nothing is rounded for the way.
    func startSum(_ values: UnsafeMutableBufferPointer<Float>, wire: WireFormat, gathers: Bool) -> Transfer {
        start(values, sums: true)
    }

    func startGather(_ values: UnsafeMutableBufferPointer<Float>) -> Transfer { start(values, sums: false) }

    private func start(_ values: UnsafeMutableBufferPointer<Float>, sums: Bool) -> Transfer {
        let transfer = Transfer(isDone: false)
        pending[ObjectIdentifier(transfer)] = (values, sums)
        return transfer
    }

    func wait(_ transfer: Transfer, for purpose: String) throws(CollectiveError) {
        guard let (values, sums) = pending.removeValue(forKey: ObjectIdentifier(transfer)) else { return }
        let all = try allGather(Array(values), sameCount: true, for: purpose)
        for (owner, part) in all.enumerated() {
            for place in Shard.range(of: values.count, rank: owner, size: size) {
                values[place] = sums ? all.dropFirst().reduce(all[0][place]) { $0 + $1[place] } : part[place]
            }
        }
        transfer.isDone = true
    }

    func announceFailure(status: Int32) -> Bool { true }
    /// The process ends once all its threads have stopped.
    func abort(status: Int32) {}
    func finish() throws(CollectiveError) { try barrier(for: "end of the run") }
}
