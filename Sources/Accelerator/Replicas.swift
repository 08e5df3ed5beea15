import Foundation
import PJRT

/// Where sessions of several devices meet to run a program that sums over them: it begins on all devices at once.
///
/// Each has recorded it by itself, with arguments of its own; the last one that comes begins it for all.
final class Replicas: @unchecked Sendable {
    // SAFETY: everything mutable is touched with `lock` held.
    private let compiler: Compiler
    private let lock = NSCondition()
    private var parts: [(key: ProgramKey, arguments: [Buffer])?]
    private var outcomes: [Result<(results: [Buffer], done: Event?), any Error>?]
    /// Programs that have begun.
    private var rounds = 0
    private var failure: ReplicaError?

    init(_ compiler: Compiler) {
        self.compiler = compiler
        parts = .init(repeating: nil, count: compiler.devices.count)
        outcomes = .init(repeating: nil, count: compiler.devices.count)
    }

    /// Waits for all others, and begins the program.
    func run(_ key: ProgramKey, _ arguments: [Buffer], replica: Int) throws -> (results: [Buffer], done: Event?) {
        lock.lock()
        defer { lock.unlock() }
        if let failure { throw failure }
        let round = rounds
        parts[replica] = (key, arguments)
        let all = parts.compactMap { $0 }
        if all.count == parts.count {
            let results = Result { try begin(all) }
            parts = .init(repeating: nil, count: all.count)
            outcomes = all.indices.map { number in results.map { $0[number] } }
            rounds += 1
            lock.broadcast()
        }
        let end = Date(timeIntervalSinceNow: Session.patience)
        while rounds == round, failure == nil {
            guard !lock.wait(until: end), rounds == round, failure == nil else { continue }
            failure = .missing(seconds: Session.patience)
            lock.broadcast()
        }
        // Buffers belong to their replica alone from here.
        defer { outcomes[replica] = nil }
        guard rounds > round, let outcome = outcomes[replica] else { throw failure ?? .stopped }
        return try outcome.get()
    }

    private func begin(
        _ all: [(key: ProgramKey, arguments: [Buffer])]
    ) throws -> [(results: [Buffer], done: Event?)] {
        if let other = all.indices.first(where: { all[$0].key != all[0].key }) {
            throw ReplicaError.differ(
                replica: other, expected: all[0].key.function.count, got: all[other].key.function.count)
        }
        return try compiler.program(all[0].key).run(replicas: all.map(\.arguments))
    }

    /// Ends all waiting, now and later: one of the replicas cannot go on.
    func stop() {
        lock.lock()
        defer { lock.unlock() }
        failure = failure ?? .stopped
        lock.broadcast()
    }
}

/// What keeps replicas from running a program together.
public enum ReplicaError: Error, Equatable, Sendable, CustomStringConvertible {
    /// One has recorded another program than the first, of so many operations.
    case differ(replica: Int, expected: Int, got: Int)
    /// One has not come for so long.
    case missing(seconds: Double)
    /// One has failed, which says why.
    case stopped

    public var description: String {
        switch self {
        case .differ(let replica, let expected, let got):
            "replicas cannot step together: replica \(replica): expected the program of replica 0 with \(expected) "
                + "operations, got another one with \(got); this is a fault of lam: train with trainer.devices 1"
        case .missing(let seconds):
            "replicas cannot step together: expected all of them within \(Int(seconds)) s, got fewer; see what holds the "
                + "data of one up"
        case .stopped: "replicas cannot step together: another one has failed"
        }
    }
}
