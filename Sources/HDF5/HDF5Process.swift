import DataCore
import Foundation

/// A process that runs libhdf5 for this one: started when it is needed, and anew after a crash. One request at a time, as
/// the library itself allows no more.
final class HDF5Process: @unchecked Sendable {
    // SAFETY: (`@unchecked Sendable`) `state` is touched under `lock` only.
    private struct State {
        var child: (identifier: pid_t, channel: HDF5Channel)?
        /// Files that have ended a process, and how: they would end the next one, too.
        var damaged: [String: String] = [:]
    }

    private let command: [String]
    private let lock = NSLock()
    private var state = State()

    init(_ command: [String]) {
        precondition(!command.isEmpty, "no program to start")
        self.command = command
    }

    deinit { if let child = state.child { close(child.channel.descriptor) } }

    /// Something else than an answer.
    static func silence(_ path: String, _ object: String) -> DataError {
        .unreadableHDF5(path: path, object: object, reason: "the process that reads it gave no answer")
    }

    /// - Parameter largest: bytes that the answer may bring.
    /// - Throws: the error that the other process has met; `DataError.unreadableHDF5` where the request has ended it.
    func ask(_ request: HDF5Request, expecting largest: Int = 0) throws -> HDF5Answer {
        let answer = try lock.withLock {
            func failure(_ reason: String) -> DataError {
                .unreadableHDF5(path: request.path, object: request.object, reason: reason)
            }
            if let reason = state.damaged[request.path] { throw failure(reason) }
            let child = try state.child ?? start()
            state.child = child
            if child.channel.send(request.message),
                let answer = child.channel.receive(largest: largest).flatMap(HDF5Answer.init)
            {
                return answer
            }
            state.child = nil
            close(child.channel.descriptor)
            let reason = Self.end(of: child.identifier)
            state.damaged[request.path] = reason
            throw failure(reason)
        }
        if case .fault(let fault) = answer.value { throw fault.error }
        return answer
    }

    /// Why a process has gone; ends it where it is still there.
    private static func end(of child: pid_t) -> String {
        kill(child, SIGKILL)
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        if signal == SIGXCPU { return "libhdf5 takes more than \(HDF5Isolation.secondsPerRequest) s for it" }
        // A process that was ended here had sent something else than an answer.
        guard signal != 0, signal != SIGKILL else { return "the process that reads it failed" }
        return "libhdf5 crashed on it (signal \(signal))"
    }

    private func start() throws -> (identifier: pid_t, channel: HDF5Channel) {
        func failure(_ code: Int32) -> DataError {
            .unreadableFile(
                path: command[0], reason: "cannot be started to read HDF5 files: \(String(cString: strerror(code)))")
        }
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw failure(errno)
        }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        // What a crash prints would look as if this program had crashed.
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        let variables = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        let arguments = command.map { strdup($0) } + [nil]
        let environment = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + environment { free(text) } }
        var child = pid_t()
        let code = posix_spawn(&child, command[0], &actions, nil, arguments, environment)
        guard code == 0 else {
            close(ends[0])
            throw failure(code)
        }
        return (child, HDF5Channel(descriptor: ends[0]))
    }
}
