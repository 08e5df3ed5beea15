import Foundation
import Synchronization

/// Remembers a request to end, so that the run can save a checkpoint first. The second one ends the process at once.
///
/// The signals are blocked everywhere and taken by a thread that waits for nothing else. A handler would run on the
/// stack of whichever thread is interrupted, and generated matrix kernels use the stack pointer as they like: the frame
/// of a signal then lands in the middle of the heap.
enum SignalTrap {
    private static let signal = Atomic<Int32>(0)

    /// Call before any other thread exists: threads inherit what is blocked.
    static func install() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGUSR1] { sigaddset(&signals, number) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let waited = signals
        let thread = Thread {
            var signals = waited
            var number: Int32 = 0
            while sigwait(&signals, &number) == 0 {
                guard SignalTrap.signal.exchange(number, ordering: .relaxed) != 0 else { continue }
                Foundation.signal(number, SIG_DFL)
                pthread_sigmask(SIG_UNBLOCK, &signals, nil)
                kill(getpid(), number)
            }
        }
        thread.name = "lam-signals"
        thread.start()
    }

    /// The signal that arrived, if any.
    static var received: Int32? {
        let number = signal.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }
}
