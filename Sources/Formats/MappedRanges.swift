import Foundation
import Synchronization

/// Which files are mapped where, for the moment in which one of them turns out to be shorter than it was.
///
/// Reading a page that a mapped file no longer has is a signal (`SIGBUS`), not an error that a call could return. Its handler
/// names the file and ends the process with 1, as any other file that cannot be read does.
enum MappedRanges {
    /// Room for a line that is ready to be written: a handler must not make one.
    private static let lineBytes = 512
    private static let capacity = 1024

    private struct Range {
        var start = 0
        var count = 0
    }

    // SAFETY: never freed. Ranges are changed under `lock` only, the line before the range that it belongs to; the handler reads
    // whatever is there.
    nonisolated(unsafe) private static let ranges: UnsafeMutablePointer<Range> = {
        let ranges = UnsafeMutablePointer<Range>.allocate(capacity: capacity)
        ranges.initialize(repeating: Range(), count: capacity)
        return ranges
    }()
    nonisolated(unsafe) private static let lines: UnsafeMutablePointer<UInt8> = {
        let lines = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * lineBytes)
        lines.initialize(repeating: 0, count: capacity * lineBytes)
        return lines
    }()
    private static let lock = Mutex(())

    private static let installed: Void = {
        _ = (ranges, lines)
        var action = sigaction()
        action.sa_flags = SA_SIGINFO
        action.__sigaction_handler.sa_sigaction = { _, info, _ in MappedRanges.end(at: info) }
        sigaction(SIGBUS, &action, nil)
    }()

    /// - Returns: a place to give back; nil where there is no room, and the signal ends the process without a word.
    static func add(start: Int, count: Int, path: String) -> Int? {
        _ = installed
        let text = "error: cannot read: \(path.printableLine): the file has become shorter while it was read\n"
        return lock.withLock { _ in
            guard let place = (0..<capacity).first(where: { ranges[$0].count == 0 }) else { return nil }
            let line = lines + place * lineBytes
            var length = 0
            for byte in text.utf8.prefix(lineBytes - 1) {
                line[length] = byte
                length += 1
            }
            line[length] = 0
            ranges[place] = Range(start: start, count: count)
            return place
        }
    }

    static func remove(_ place: Int) { lock.withLock { _ in ranges[place] = Range() } }

    private static func end(at info: UnsafeMutablePointer<siginfo_t>?) {
        let address = Int(bitPattern: info?.pointee._sifields._sigfault.si_addr)
        for place in 0..<capacity where address >= ranges[place].start {
            guard address - ranges[place].start < ranges[place].count else { continue }
            let line = lines + place * lineBytes
            _ = write(STDERR_FILENO, line, strlen(UnsafeRawPointer(line).assumingMemoryBound(to: CChar.self)))
            _exit(1)
        }
        // Of somebody else: as without a handler, when the instruction is tried again.
        signal(SIGBUS, SIG_DFL)
    }
}
