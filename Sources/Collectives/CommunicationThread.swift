import CMPI
import Foundation

/// The thread that makes all MPI calls of a process.
final class CommunicationThread: @unchecked Sendable {
    // SAFETY: the fields under "shared" are only touched with `lock` held; those under "own" by the thread alone.

    // Shared with the callers.
    private let lock = NSCondition()
    private var newGathers: [GatherJob] = []
    private var newSums: [SumJob] = []
    private var failure: CollectiveError?
    private var awaited: (purpose: String, since: Double)?
    private var waits: Int64 = 0
    private var request = Request.none
    private var failedRanks: Set<Int> = []
    private var world: (rank: Int, size: Int)?
    private var secondsUnderWay = 0.0
    private var patience = 1800.0
    private var names: [String] = []

    private enum Request: Equatable {
        case none, announce(Int32), abort(Int32), finish, finished
    }

    // The thread's own.
    private var rank = 0
    private var size = 1
    private var gathers: [GatherJob] = []
    private var sums: [SumJob] = []
    private let pool = StagingPool()
    private var pause = CommunicationThread.pauses.lowerBound
    /// After an error of MPI: what was under way stays as it is.
    private var isBroken = false
    private var messages: [(bytes: UnsafeMutablePointer<ControlMessage>, request: MPIRequest)] = []
    /// The last wait that this rank has told the others of, and the last that each other has told of.
    private var told: Int64 = 0
    private var heard: [Int64] = []
    private var exitAt: (time: Double, status: Int32)?

    /// Exchanges under way at the same time; each needs memory for what it receives.
    private static let exchangesAtOnce = 4
    /// Microseconds between looks at transfers while the process computes, which shares a core with this thread; longer
    /// the longer nothing moves, as then another rank is late.
    private static let pauses: ClosedRange<UInt32> = 50...400
    /// Seconds between looks at messages while nothing is under way.
    private static let idlePause = 0.02
    /// Seconds of waiting after which looks become rare: somebody is late, and the answer will not come at once.
    private static let eagerSeconds = 0.005
    /// Seconds that a rank lives on after another has failed.
    private static let grace = 5.0

    private static var now: Double { Double(DispatchTime.now().uptimeNanoseconds) * 1e-9 }

    private func locked<Value>(_ body: () -> Value) -> Value {
        lock.lock()
        defer { lock.unlock() }
        return body()
    }

    // MARK: For callers

    /// Starts the thread and MPI.
    func start() throws(CollectiveError) -> (rank: Int, size: Int) {
        let thread = Thread { [self] in run() }
        thread.name = "lam-mpi"
        thread.start()
        lock.lock()
        defer { lock.unlock() }
        while world == nil, failure == nil { lock.wait() }
        guard let world else { throw failure ?? .mpi(call: "MPI_Init_thread", rank: 0, reason: "no answer") }
        return world
    }

    var timeout: Double {
        get { locked { patience } }
        set { locked { patience = newValue } }
    }

    var hosts: [String] {
        get { locked { names } }
        set { locked { names = newValue } }
    }

    var communicationSeconds: Double { locked { secondsUnderWay } }

    func submitGather(_ bytes: [UInt8]) -> Transfer {
        let transfer = Transfer(isDone: false)
        locked {
            let (rank, size) = world ?? (0, 1)
            newGathers.append(GatherJob(bytes, rank: rank, size: size, transfer: transfer))
            lock.broadcast()
        }
        return transfer
    }

    func submitSum(
        _ values: UnsafeMutableBufferPointer<Float>, wire: WireFormat, sums: Bool, gathers: Bool
    ) -> Transfer {
        let transfer = Transfer(isDone: false)
        locked {
            let (rank, size) = world ?? (0, 1)
            newSums.append(
                SumJob(
                    values, wire: wire, sums: sums, gathers: gathers, rank: rank, size: size, transfer: transfer))
            lock.broadcast()
        }
        return transfer
    }

    func wait(_ transfer: Transfer, for purpose: String) throws(CollectiveError) {
        lock.lock()
        defer { lock.unlock() }
        waits += 1
        awaited = (purpose, Self.now)
        while !transfer.isDone, failure == nil { lock.wait() }
        awaited = nil
        if let failure, !transfer.isDone { throw failure }
    }

    /// Tells the others and listens for `window` seconds; false if one of lower rank has failed, too.
    func announceFailure(status: Int32, window: Double) -> Bool {
        locked {
            request = .announce(status)
            lock.broadcast()
        }
        Thread.sleep(forTimeInterval: window)
        return locked { failedRanks.allSatisfy { $0 > (world?.rank ?? 0) } }
    }

    func abort(status: Int32) {
        locked {
            request = .abort(status)
            lock.broadcast()
        }
    }

    func finish() {
        lock.lock()
        defer { lock.unlock() }
        request = .finish
        lock.broadcast()
        while request != .finished { lock.wait() }
    }

    // MARK: The thread

    private func run() {
        do throws(CollectiveError) {
            var rank: Int32 = 0
            var size: Int32 = 1
            try MPICall.check("MPI_Init_thread", rank: 0, lam_mpi_start(&rank, &size))
            (self.rank, self.size) = (Int(rank), Int(size))
            heard = [Int64](repeating: 0, count: self.size)
            locked {
                world = (self.rank, self.size)
                lock.broadcast()
            }
        } catch {
            return fail(error)
        }
        while true {
            do throws(CollectiveError) {
                return try work()
            } catch {
                // The caller hears of it, and can still tell the others and have them ended.
                isBroken = true
                fail(error)
                usleep(10_000)
            }
        }
    }

    private func fail(_ error: CollectiveError) {
        locked {
            failure = failure ?? error
            lock.broadcast()
        }
    }

    private func work() throws(CollectiveError) {
        while true {
            switch takeRequest() {
            case .none, .finished: break
            case .announce(let status): try send(ControlMessage(.failed, Int64(status)))
            case .abort(let status): lam_mpi_abort(status)
            case .finish:
                _ = lam_mpi_finish()
                locked {
                    request = .finished
                    lock.broadcast()
                }
                return
            }
            let start = Self.now
            let isUnderWay = !gathers.isEmpty || !sums.isEmpty
            let hasMoved = isBroken ? false : try advance()
            try receiveMessages()
            try watch()
            if let exitAt, Self.now >= exitAt.time { _exit(exitAt.status) }
            pause = hasMoved ? Self.pauses.lowerBound : min(pause + pause / 4, Self.pauses.upperBound)
            if !hasMoved { rest(isUnderWay: isUnderWay) }
            if isUnderWay { locked { secondsUnderWay += Self.now - start } }
        }
    }

    /// Takes over new jobs and what else was asked for.
    private func takeRequest() -> Request {
        locked {
            gathers += newGathers
            sums += newSums
            newGathers = []
            newSums = []
            defer { if request != .finished { request = .none } }
            return request
        }
    }

    /// Waits until it is worth looking again.
    private func rest(isUnderWay: Bool) {
        lock.lock()
        defer { lock.unlock() }
        guard request == .none, newGathers.isEmpty, newSums.isEmpty else { return }
        if !isUnderWay {
            _ = lock.wait(until: Date(timeIntervalSinceNow: Self.idlePause))
        } else if let awaited, Self.now - awaited.since < Self.eagerSeconds {
            // Nothing else to do for this process than to get the data.
            lock.unlock()
            sched_yield()
            lock.lock()
        } else {
            lock.unlock()
            usleep(pause)
            lock.lock()
        }
    }

    /// Moves all transfers on as far as they come. Collectives of a kind start in the order of the jobs, which is the
    /// same on all ranks.
    private func advance() throws(CollectiveError) -> Bool {
        var hasMoved = false
        while let first = gathers.first, try first.advance() {
            gathers.removeFirst()
            end(first.transfer)
            hasMoved = true
        }
        var exchanging = 0
        var mayStart = true
        var mayCollect = true
        for job in sums {
            if job.phase == .queued, mayStart, exchanging < Self.exchangesAtOnce {
                try job.startExchange(pool)
                hasMoved = true
            }
            mayStart = mayStart && job.phase != .queued
            if job.phase == .exchanging {
                if try job.finishExchange(pool) { hasMoved = true } else { exchanging += 1 }
            }
            if job.phase == .summed, mayCollect {
                try job.startCollection(pool)
                hasMoved = true
            }
            mayCollect = mayCollect && (job.phase == .collecting || job.phase == .done)
            if job.phase == .collecting, try job.finishCollection(pool) { hasMoved = true }
            if job.phase == .done { end(job.transfer) }
        }
        sums.removeAll { $0.phase == .done }
        return hasMoved
    }

    private func end(_ transfer: Transfer) {
        locked {
            transfer.isDone = true
            lock.broadcast()
        }
    }

    // MARK: Ranks that do not come

    /// Tells the others when a wait gets long, and ends it when it has become too long.
    private func watch() throws(CollectiveError) {
        let (awaited, waits, patience, hosts) = locked { (self.awaited, self.waits, self.patience, names) }
        guard let awaited, size > 1 else { return }
        let seconds = Self.now - awaited.since
        let isSomebodyWaiting = heard.contains { $0 > told }
        if told < waits, seconds > patience / 2 || (isSomebodyWaiting && seconds > Self.idlePause) {
            try send(ControlMessage(.waiting, waits))
            told = waits
        }
        guard seconds > patience else { return }
        func name(_ rank: Int) -> CollectiveError.RankName {
            .init(rank: rank, host: hosts.indices.contains(rank) ? hosts[rank] : "unknown host")
        }
        let missing = (0..<size).filter { $0 != rank && heard[$0] < waits }.map(name)
        fail(.timeout(purpose: awaited.purpose, waiting: name(rank), missing: missing, seconds: patience))
    }

    private func send(_ message: ControlMessage) throws(CollectiveError) {
        for other in 0..<size where other != rank {
            // SAFETY: MPI reads it until the request has ended; it is freed then.
            let bytes = UnsafeMutablePointer<ControlMessage>.allocate(capacity: 1)
            bytes.initialize(to: message)
            let request = try MPIRequest("MPI_Isend", rank: rank) {
                lam_mpi_send(bytes, Int32(MemoryLayout<ControlMessage>.size), Int32(other), $0)
            }
            messages.append((bytes, request))
        }
    }

    private func receiveMessages() throws(CollectiveError) {
        for place in messages.indices.reversed() where try messages[place].request.test(rank: rank) {
            messages[place].bytes.deallocate()
            messages.remove(at: place)
        }
        while true {
            var message = ControlMessage(.waiting, 0)
            var sender: Int32 = -1
            let code = withUnsafeMutableBytes(of: &message) {
                lam_mpi_receive($0.baseAddress, Int32($0.count), &sender)
            }
            try MPICall.check("MPI_Recv", rank: rank, code)
            guard sender >= 0 else { return }
            switch message.kind {
            case .waiting: heard[Int(sender)] = max(heard[Int(sender)], message.number)
            case .failed:
                locked { _ = failedRanks.insert(Int(sender)) }
                exitAt = exitAt ?? (Self.now + Self.grace, Int32(truncatingIfNeeded: message.number))
            case nil: break
            }
        }
    }
}
