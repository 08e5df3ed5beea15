import DataCore
import Synchronization

/// Packet tables of videos, shared by the readers of one process; safe to use from any thread.
///
/// Holds the most recently used tables up to a number of frames in total, 8 bytes each.
public final class VideoIndexCache: Sendable {
    private struct Entry {
        let index: VideoIndex
        var lastUse: Int
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var frames = 0
        var clock = 0
    }

    private let state = Mutex(State())
    private let maximumFrames: Int

    /// - Parameter maximumFrames: bound on the frames of all tables kept; the default is 64 MB or 77 hours at 30 fps.
    public init(maximumFrames: Int = 8 << 20) {
        self.maximumFrames = maximumFrames
    }

    /// The table of the file at `path`, read on first use.
    ///
    /// - Parameter source: the bytes, where they are not all on this disk.
    /// - Throws: `DataError.unreadableVideo`.
    public func index(path: String, source: (any ByteSource)? = nil) throws -> VideoIndex {
        try index(path: path) { try VideoIndex(path: path, source: source) }
    }

    /// The table of the file at `path`, made on first use.
    package func index(path: String, make: () throws -> VideoIndex) throws -> VideoIndex {
        let known = state.withLock { state -> VideoIndex? in
            state.clock += 1
            state.entries[path]?.lastUse = state.clock
            return state.entries[path]?.index
        }
        if let known { return known }
        // Read outside the lock: two threads may read the same file once each, none waits for another's disk.
        let index = try make()
        state.withLock { state in
            guard state.entries[path] == nil else { return }
            state.entries[path] = Entry(index: index, lastUse: state.clock)
            state.frames += Self.cost(index)
            guard state.frames > maximumFrames else { return }
            // Down to three quarters at once, so that sorting is paid rarely.
            for (old, entry) in state.entries.sorted(by: { $0.value.lastUse < $1.value.lastUse })
            where state.frames > maximumFrames / 4 * 3 && old != path {
                state.entries[old] = nil
                state.frames -= Self.cost(entry.index)
            }
        }
        return index
    }

    /// A table without frames still costs its strings.
    private static func cost(_ index: VideoIndex) -> Int { index.count + 2 * index.keyframes.count + 64 }
}
