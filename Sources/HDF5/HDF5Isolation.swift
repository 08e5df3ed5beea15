import Foundation
import Synchronization

/// Keeps libhdf5 out of the process that trains: damaged files crash it, and hostile ones might do worse.
public enum HDF5Isolation {
    private static let shared = Mutex<HDF5Process?>(nil)

    static var process: HDF5Process? { shared.withLock { $0 } }

    /// Reads HDF5 files in a process of its own from now on, which is started when the first one is opened.
    ///
    /// - Parameter command: a program and arguments with which it calls `serve`.
    public static func start(_ command: [String]) { shared.withLock { $0 = HDF5Process(command) } }

    /// Seconds of processor time, and bytes, that one request may take.
    static let secondsPerRequest = 60
    private static let memory = UInt(4 << 30)

    /// Answers what comes in on standard input, on standard output, until that ends.
    public static func serve() {
        var bound = rlimit(rlim_cur: memory, rlim_max: memory)
        setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &bound)
        bound = rlimit(rlim_cur: 0, rlim_max: 0)
        setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &bound)
        let channel = HDF5Channel(descriptor: STDIN_FILENO)
        var server = HDF5Service.Server()
        while let request = channel.receive(largest: 0).flatMap(HDF5Request.init) {
            limitTime()
            guard channel.send(server.answer(request).message) else { return }
        }
    }

    private static func limitTime() {
        var used = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &used)
        var bound = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_CPU.rawValue), &bound)
        bound.rlim_cur = min(
            bound.rlim_max, UInt(used.ru_utime.tv_sec + used.ru_stime.tv_sec + secondsPerRequest))
        setrlimit(__rlimit_resource_t(RLIMIT_CPU.rawValue), &bound)
    }
}
