import Synchronization

/// An open file that can be read from again: a video with its decoder, a table. For one thread at a time.
package protocol PooledReader: AnyObject {
    /// About how much memory it holds.
    var bytes: Int { get }
}

/// The open files of all readers that share it, bounded in number and in bytes; safe to use from any thread.
///
/// A reader takes a file out, uses it alone and gives it back; what was not used for longest is closed. Files that are
/// out are not closed, so the bounds can be passed by one file for each thread that reads.
public final class ReaderPool: Sendable {
    public let maximumOpenFiles: Int
    public let maximumBytes: Int

    private struct Entry: @unchecked Sendable {
        // SAFETY: an entry is reachable from the pool alone; `take` removes it before anyone uses the reader.
        let path: String
        let reader: any PooledReader
        let bytes: Int
    }

    private struct State {
        /// Least recently used first.
        var idle: [Entry] = []
        var filesOut = 0
        var bytesOut = 0
        var idleBytes = 0
        var opened = 0
    }
    private let state = Mutex(State())

    /// - Parameters:
    ///   - maximumOpenFiles: bound on files, hence on descriptors.
    ///   - maximumBytes: bound on what decoders hold, estimated from picture sizes.
    public init(maximumOpenFiles: Int = 64, maximumBytes: Int = 1 << 30) {
        precondition(maximumOpenFiles > 0 && maximumBytes > 0, "a pool of \(maximumOpenFiles) files")
        (self.maximumOpenFiles, self.maximumBytes) = (maximumOpenFiles, maximumBytes)
    }

    /// Files open now, idle or in use, and how often one was opened.
    package var openFiles: Int { state.withLock { $0.idle.count + $0.filesOut } }
    package var openedFiles: Int { state.withLock { $0.opened } }

    /// Takes the file at `path` out, opening it if it is not open.
    package func take<Reader: PooledReader>(_ path: String, open: () throws -> Reader) rethrows -> Reader {
        var closing: [Entry] = []
        let known = state.withLock { state -> Entry? in
            guard let place = state.idle.lastIndex(where: { $0.path == path && $0.reader is Reader }) else {
                // Room for the new one, so that it never is one too many.
                closing = Self.shrink(&state, files: maximumOpenFiles - 1, bytes: maximumBytes)
                return nil
            }
            let entry = state.idle.remove(at: place)
            state.idleBytes -= entry.bytes
            state.filesOut += 1
            state.bytesOut += entry.bytes
            return entry
        }
        if let reader = known?.reader as? Reader { return reader }
        // Closed outside the lock.
        closing.removeAll()
        let reader = try open()
        state.withLock { state in
            state.filesOut += 1
            state.bytesOut += reader.bytes
            state.opened += 1
        }
        return reader
    }

    /// Gives back what `take` gave. The caller keeps no reference.
    package func giveBack(_ reader: any PooledReader, _ path: String) {
        let entry = Entry(path: path, reader: reader, bytes: reader.bytes)
        let closing = state.withLock { state in
            state.filesOut -= 1
            state.bytesOut -= entry.bytes
            state.idle.append(entry)
            state.idleBytes += entry.bytes
            return Self.shrink(&state, files: maximumOpenFiles, bytes: maximumBytes)
        }
        withExtendedLifetime(closing) {}
    }

    /// Takes the least recently used idle files from the pool until both bounds hold.
    private static func shrink(_ state: inout State, files: Int, bytes: Int) -> [Entry] {
        var removed = 0
        var idleBytes = state.idleBytes
        while removed < state.idle.count,
            state.idle.count - removed + state.filesOut > files || idleBytes + state.bytesOut > bytes
        {
            idleBytes -= state.idle[removed].bytes
            removed += 1
        }
        let closing = Array(state.idle.prefix(removed))
        state.idle.removeFirst(removed)
        state.idleBytes = idleBytes
        return closing
    }
}
