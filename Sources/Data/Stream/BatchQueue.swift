import Foundation

/// The bounded queue between the worker threads, which make batches, and the consumer, who takes them in order.
///
/// Work is handed out in portions of one episode, so that all threads work on the batch that is needed next. Plans
/// are made in a fixed order, by one thread at a time, outside the lock, as a plan may have to wait for a file: no
/// result depends on which thread does what.
final class BatchQueue: @unchecked Sendable {
    // SAFETY: every mutable property is read and written only while `condition` is locked.

    /// A batch under way, oldest first in `batches`.
    private struct Pending {
        let number: Int
        let plan: BatchPlan
        /// Finished samples.
        var samples: [LoadedPairs?]
        var portionsLeft: Int
        /// The failure of the first portion that failed, whichever thread came first.
        var failure: (portion: Int, error: any Error)?
        var joined: LoadedPairs?
    }

    struct Portion {
        let batch: Int
        let number: Int
        let references: [SampleReference]
    }

    private let condition = NSCondition()
    private let makePlan: (inout any SampleOrder) throws -> BatchPlan?
    private let prefetch: Int

    /// Nil while a thread plans with it.
    private var order: (any SampleOrder)?
    private var batches: [Pending] = []
    private var portions: [Portion] = []
    private var planned = 0
    private var isExhausted = false
    private var failure: (any Error)?
    /// What stopped the planning of further batches.
    private var planFailure: (any Error)?
    private var isStopped = false
    private var workers = 0

    init(order: any SampleOrder, prefetch: Int, makePlan: @escaping (inout any SampleOrder) throws -> BatchPlan?) {
        self.order = order
        self.prefetch = prefetch
        self.makePlan = makePlan
    }

    private func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        condition.lock()
        defer { condition.unlock() }
        return try body()
    }

    // MARK: Workers

    /// Starts a thread that works until the queue is stopped.
    func startWorker(_ name: String, makeLoader: @escaping @Sendable () -> PairLoader) {
        locked { workers += 1 }
        let thread = Thread { [self] in
            work(makeLoader)
            locked {
                workers -= 1
                condition.broadcast()
            }
        }
        thread.name = name
        thread.start()
    }

    /// Works until the queue is stopped. The loader, with its open decoders, is gone when this returns: `stop` promises
    /// that nothing of the stream runs on after it.
    @inline(never)
    private func work(_ makeLoader: () -> PairLoader) {
        var loader = makeLoader()
        while let portion = nextPortion() {
            finish(portion, Result { try loader.load(portion.references) })
        }
    }

    private func nextPortion() -> Portion? {
        while true {
            var planning: (any SampleOrder)?
            let portion: Portion? = locked {
                while !isStopped {
                    if !portions.isEmpty { return portions.removeFirst() }
                    if batches.count <= prefetch, !isExhausted, failure == nil, order != nil {
                        // Moved, not copied: its tables are large.
                        swap(&planning, &order)
                        return nil
                    }
                    condition.wait()
                }
                return nil
            }
            if let portion { return portion }
            guard var order = planning.take() else { return nil }
            let result = Result { try makePlan(&order) }
            locked {
                self.order = order
                add(result)
                condition.broadcast()
            }
        }
    }

    private func add(_ result: Result<BatchPlan?, any Error>) {
        switch result {
        case .failure(let error):
            planFailure = error
            failure = failure ?? error
        case .success(nil):
            isExhausted = true
        case .success(let plan?):
            batches.append(
                Pending(
                    number: planned, plan: plan, samples: Array(repeating: nil, count: plan.references.count),
                    portionsLeft: plan.portions.count))
            for (number, slots) in plan.portions.enumerated() {
                portions.append(
                    Portion(batch: planned, number: number, references: slots.map { plan.references[$0] }))
            }
            planned += 1
        }
    }

    private func finish(_ portion: Portion, _ result: Result<[LoadedPairs], any Error>) {
        let complete: [LoadedPairs]? = locked {
            guard let place = batches.firstIndex(where: { $0.number == portion.batch }) else { return nil }
            switch result {
            case .success(let samples):
                for (slot, pair) in zip(batches[place].plan.portions[portion.number], samples) {
                    batches[place].samples[slot] = pair
                }
            case .failure(let error):
                failure = failure ?? error
                if portion.number < batches[place].failure?.portion ?? .max {
                    batches[place].failure = (portion.number, error)
                }
            }
            batches[place].portionsLeft -= 1
            guard batches[place].portionsLeft == 0 else { return nil }
            condition.broadcast()
            guard batches[place].failure == nil else { return nil }
            defer { batches[place].samples = [] }
            return batches[place].samples.compactMap { $0 }
        }
        guard let complete else { return }
        // Joined here, outside the lock, to spare the consumer the copy.
        var joined = LoadedPairs()
        joined.pixels.reserveCapacity(complete.reduce(0) { $0 + $1.pixels.count })
        for pair in complete {
            joined.pixels.append(contentsOf: pair.pixels)
            joined.features.append(contentsOf: pair.features)
            joined.references.append(contentsOf: pair.references)
            joined.skipped.append(contentsOf: pair.skipped)
        }
        locked {
            guard let place = batches.firstIndex(where: { $0.number == portion.batch }) else { return }
            batches[place].joined = joined
            condition.broadcast()
        }
    }

    // MARK: Consumer

    /// Waits for the oldest batch and takes it.
    ///
    /// - Returns: `nil` at the end of a finite order.
    /// - Throws: What went wrong while the batch was made; again at every further call.
    func take() throws -> (plan: BatchPlan, pairs: LoadedPairs)? {
        try locked {
            while true {
                if let oldest = batches.first {
                    if let pairs = oldest.joined {
                        batches.removeFirst()
                        condition.broadcast()
                        return (oldest.plan, pairs)
                    }
                    if oldest.portionsLeft == 0, let failure = oldest.failure { throw failure.error }
                } else if let planFailure {
                    throw planFailure
                } else if isExhausted {
                    return nil
                }
                condition.wait()
            }
        }
    }

    /// Ends the workers and waits until the last one has left.
    func stop() {
        locked {
            isStopped = true
            condition.broadcast()
            while workers > 0 { condition.wait() }
        }
    }
}
