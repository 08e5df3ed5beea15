import Foundation
import Synchronization

/// Remembers a request to end, so that the run can save a checkpoint first. The second one ends the process at once.
///
/// The signals are blocked everywhere and taken by a thread that waits for nothing else. A handler would run on the
/// stack of whichever thread is interrupted, and generated matrix kernels use the stack pointer as they like: the frame
/// of a signal then lands in the middle of the heap.
enum SignalTrap {
    private static let signal = Atomic<Int32>(0)
    /// What the first signal is answered with.
    private static let answer = Mutex<String?>(nil)

    /// Says on standard error, once a signal has come, what becomes of the work.
    static func answer(_ line: String?) { answer.withLock { $0 = line } }

    /// Call before any other thread exists: threads inherit what is blocked.
    ///
    /// - Parameter endsAtOnce: for work that loses nothing by it: the first signal ends the process, after its answer.
    static func install(endsAtOnce: Bool = false) {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGUSR1] { sigaddset(&signals, number) }
        // A connection that breaks ends the work as well; not so under nohup.
        if !isIgnored(SIGHUP) { sigaddset(&signals, SIGHUP) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let waited = signals
        let thread = Thread {
            var signals = waited
            var number: Int32 = 0
            while sigwait(&signals, &number) == 0 {
                if SignalTrap.signal.exchange(number, ordering: .relaxed) == 0 {
                    if let line = answer.withLock({ $0 }) { Console.errorOverProgress("note: \(line)") }
                    guard endsAtOnce else { continue }
                }
                Foundation.signal(number, SIG_DFL)
                pthread_sigmask(SIG_UNBLOCK, &signals, nil)
                kill(getpid(), number)
            }
        }
        thread.name = "lam-signals"
        thread.start()
    }

    /// `SIG_IGN`, which Swift does not see.
    private static let ignoring = 1

    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        // SAFETY: a handler is a C function pointer or one of the numbers SIG_DFL and SIG_IGN, all of a pointer's size.
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == Self.ignoring
    }

    /// The signal that arrived, if any.
    static var received: Int32? {
        let number = signal.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }
}
