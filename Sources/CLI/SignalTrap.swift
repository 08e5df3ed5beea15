import Foundation
import Synchronization

/// Remembers a request to end, so that the run can save a checkpoint first. The second signal ends the process at once.
enum SignalTrap {
    private static let signal = Atomic<Int32>(0)

    static func install() {
        for number in [SIGINT, SIGTERM, SIGUSR1] {
            Foundation.signal(number) { number in
                SignalTrap.signal.store(number, ordering: .relaxed)
                Foundation.signal(number, SIG_DFL)
            }
        }
    }

    /// The signal that arrived, if any.
    static var received: Int32? {
        let number = signal.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }
}
