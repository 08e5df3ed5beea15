import Collectives
import Formats
import Foundation
import Synchronization

/// The terminal, or what stands in for it: the only place that writes to standard output and standard error.
///
/// Texts hold names from files, so control characters in them are spelled out. Those of the program itself go through
/// `prepared`, `redraw` and `draw`.
enum Console {
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }

    /// Columns; 80 where nobody says.
    static var width: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// `errno` of the first write of a result, and of progress, that failed; 0 where none did.
    private static let resultFault = Atomic<Int32>(0)
    private static let progressFault = Atomic<Int32>(0)

    /// Why standard output does not have all that the command was asked to print.
    static var missingResult: String? { reason(resultFault) }
    /// Why standard output does not have all that the command told of its progress.
    static var missingProgress: String? { reason(progressFault) }

    private static func reason(_ fault: borrowing Atomic<Int32>) -> String? {
        let number = fault.load(ordering: .relaxed)
        return number == 0 ? nil : "standard output: cannot be written: \(String(cString: strerror(number)))"
    }

    /// Call first of all. A file that is opened while a standard stream is closed would take its number, and get what is
    /// printed; and a limit on the size of files is to fail the write, not to end the process.
    static func prepare() {
        signal(SIGXFSZ, SIG_IGN)
        for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(stream, F_GETFD) < 0 {
            // So that using it fails, as it would without.
            _ = open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }

    /// Writes what the command was asked for. Should that fail, the command does.
    static func result(_ text: String) { record(put(text.printable, on: STDOUT_FILENO), in: resultFault) }

    /// Writes a result with control characters of the program's own, in which texts from files are printable already.
    static func prepared(_ text: String) { record(put(text, on: STDOUT_FILENO), in: resultFault) }

    /// Writes text on progress at once. Should that fail, the work goes on.
    static func write(_ text: String) { draw(text.printable) }

    /// Replaces the line that the cursor is on.
    static func redraw(_ line: String) { draw("\r\u{1B}[K" + line.printableLine) }

    /// Writes progress that brings control characters of the program's own.
    @Sendable static func draw(_ text: String) { record(put(text, on: STDOUT_FILENO), in: progressFault) }

    /// Writes a line to standard error. Should that fail, nobody can be told.
    static func error(_ line: String) { _ = put(line.printableLine + "\n", on: STDERR_FILENO) }

    /// Writes a line to standard error where a terminal may show a line that is not ended.
    static func errorOverProgress(_ line: String) {
        _ = put((isatty(STDERR_FILENO) == 1 ? "\r\u{1B}[K" : "") + line.printableLine + "\n", on: STDERR_FILENO)
    }

    /// Writes lines of any thread to standard error, on the first rank.
    static func announcer(_ group: any ProcessGroup) -> (@Sendable (String) -> Void)? {
        guard group.isRoot else { return nil }
        return { line in error("note: \(line)") }
    }

    /// Writes the lines of a usage message to standard error.
    static func usage(_ text: String) { _ = put(text.printable + "\n", on: STDERR_FILENO) }

    /// Replaces the line of standard error that the cursor is on.
    static func redrawError(_ line: String) { _ = put("\r\u{1B}[K" + line.printableLine, on: STDERR_FILENO) }

    /// Prints a value as JSON with sorted keys.
    static func printJSON(_ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting = []) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting.union(.sortedKeys)
        var text = ""
        // JSON has a spelling of its own for what must not be printed, which within strings alone can occur.
        for scalar in String(decoding: try encoder.encode(value), as: UTF8.self).unicodeScalars {
            if scalar.isPrintable || scalar == "\n" {
                text.unicodeScalars.append(scalar)
            } else {
                for unit in String(scalar).utf16 { text += String(format: "\\u%04x", unit) }
            }
        }
        print(text)
    }

    private static func record(_ reason: Int32, in fault: borrowing Atomic<Int32>) {
        guard reason != 0 else { return }
        _ = fault.compareExchange(expected: 0, desired: reason, ordering: .relaxed)
    }

    /// - Returns: 0, or the `errno` of the write that failed.
    private static func put(_ text: String, on stream: Int32) -> Int32 {
        var text = text
        return text.withUTF8 { bytes in
            var done = 0
            while done < bytes.count {
                // SAFETY: `done < bytes.count`, so the buffer is not empty.
                let count = Foundation.write(stream, bytes.baseAddress! + done, bytes.count - done)
                if count >= 0 {
                    done += count
                } else if errno == EAGAIN {
                    // Somebody has made the stream one that does not wait.
                    var ready = pollfd(fd: stream, events: Int16(POLLOUT), revents: 0)
                    poll(&ready, 1, -1)
                } else if errno != EINTR {
                    return errno
                }
            }
            return 0
        }
    }
}

/// In this module the standard library's `print`, which nobody tells that a disk is full.
func print(_ items: Any..., terminator: String = "\n") {
    Console.result(items.map { "\($0)" }.joined(separator: " ") + terminator)
}
