import DataCore
import Formats
import Foundation

/// A large file of a hub that is read before it is here as a whole: blocks come by range requests, one request for
/// neighbours.
///
/// Blocks lie in a file without a name that ends with this value, so no crash leaves anything behind. Their digest is
/// known only of the whole file: once that is here, by the ordinary way with its checks, the blocks are compared with
/// it, and it is read instead. A server that does not keep to ranges gets no second one: the whole file is fetched.
package final class HubPartialFile: ByteSource {
    package let count: Int

    private enum Block {
        case missing, underWay, here
    }

    private struct Whole {
        let descriptor: Int32
        let lease: HubLease
    }

    /// The server answered otherwise than asked.
    private struct NoRange: Error {}

    private let store: HubStore
    private let snapshot: HubSnapshot
    private let file: String
    private let etag: String
    private let blockBytes: Int
    private let descriptor: Int32
    private let condition = NSCondition()
    // SAFETY: the following are read and written only while `condition` is locked.
    nonisolated(unsafe) private var blocks: [Block]
    nonisolated(unsafe) private var whole: Whole?
    nonisolated(unsafe) private var facts: HubFileFacts
    /// The ETag of the host that has the bytes, which need not be the hub's.
    nonisolated(unsafe) private var storageETag: String?

    /// Blocks of one request at most.
    private static let longestRequest = 64

    /// - Parameter size: what `facts` says, at least 1.
    init(_ file: String, of snapshot: HubSnapshot, facts: HubFileFacts, size: Int, store: HubStore) throws {
        (self.file, self.snapshot, self.facts, self.store) = (file, snapshot, facts, store)
        (count, etag, blockBytes) = (size, facts.etag, store.access.blockBytes)
        blocks = Array(repeating: .missing, count: (size - 1) / blockBytes + 1)
        let root = store.access.cache.root
        var template = Array("\(root)/.lam/range-XXXXXX".utf8CString)
        try? FileManager.default.createDirectory(atPath: "\(root)/.lam", withIntermediateDirectories: true)
        descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw FormatError.io(path: "\(root)/.lam", operation: "create", code: errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(template)
        guard ftruncate(descriptor, off_t(size)) == 0 else {
            let code = errno
            close(descriptor)
            throw FormatError.io(path: "\(root)/.lam", operation: "extend", code: code)
        }
    }

    deinit {
        close(descriptor)
        if let whole { close(whole.descriptor) }
    }

    private func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        condition.lock()
        defer { condition.unlock() }
        return try body()
    }

    // MARK: Reading

    package func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        precondition(offset >= 0 && buffer.count <= count - offset, "bytes beyond \(count)")
        try Self.fill(buffer, from: locked { whole?.descriptor } ?? descriptor, at: offset, path: file)
    }

    private static func fill(
        _ buffer: UnsafeMutableRawBufferPointer, from descriptor: Int32, at offset: Int, path: String
    ) throws {
        var done = 0
        while done < buffer.count {
            let part = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let got = pread(descriptor, part.baseAddress, part.count, off_t(offset + done))
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw FormatError.io(path: path, operation: "read", code: got < 0 ? errno : EIO) }
            done += got
        }
    }

    // MARK: Fetching

    package func require(_ range: Range<Int>) throws {
        guard !range.isEmpty else { return }
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "bytes \(range) of \(count)")
        let wanted = range.lowerBound / blockBytes...(range.upperBound - 1) / blockBytes
        while let claimed = claim(wanted) {
            var state = Block.missing
            defer {
                locked {
                    for block in claimed { blocks[block] = state }
                    condition.broadcast()
                }
            }
            if store.has(file, of: snapshot) {
                try requireWhole()
            } else {
                do {
                    try fetch(claimed.lowerBound * blockBytes..<min((claimed.upperBound + 1) * blockBytes, count))
                } catch is NoRange {
                    try requireWhole()
                }
            }
            state = .here
        }
    }

    /// The next blocks to fetch, marked; waits for those that another thread fetches. Nil when all are here.
    private func claim(_ wanted: ClosedRange<Int>) -> ClosedRange<Int>? {
        locked {
            while whole == nil, let first = wanted.first(where: { blocks[$0] != .here }) {
                guard blocks[first] == .missing else {
                    condition.wait()
                    continue
                }
                var last = first
                while last < wanted.upperBound, blocks[last + 1] == .missing, last - first + 1 < Self.longestRequest {
                    last += 1
                }
                for block in first...last { blocks[block] = .underWay }
                return first...last
            }
            return nil
        }
    }

    private func fetch(_ range: Range<Int>) throws {
        let client = store.client
        let isCancelled = client.cancellation { false }
        var (done, isFirst) = (range.lowerBound, true)
        try client.retrying(client.address(of: file, in: snapshot), isCancelled: isCancelled) { hasProgressed in
            if !isFirst {
                // Signed addresses expire.
                let fresh = try client.facts(of: file, in: snapshot, isCancelled: isCancelled)
                guard fresh.etag == etag, fresh.size == count else { throw NoRange() }
                locked { facts = fresh }
            }
            isFirst = false
            let start = done
            defer { hasProgressed = done > start }
            do {
                _ = try client.exchange(
                    locked { facts.source },
                    headers: [("Accept-Encoding", "identity"), ("Range", "bytes=\(start)-\(range.upperBound - 1)")],
                    isCancelled: isCancelled,
                    begin: { [self] answer, url in
                        let wanted = "bytes \(start)-\(range.upperBound - 1)/\(count)"
                        guard answer.status == 206, answer.headers["content-range"] == wanted,
                            isSameFile(answer, isHub: client.isHub(url))
                        else { throw NoRange() }
                    },
                    body: { [self] part in
                        guard done + part.count <= range.upperBound else { throw NoRange() }
                        try write(part, at: done)
                        done += part.count
                    })
            } catch is HubClient.NoSuchRange {
                throw NoRange()
            }
            guard done == range.upperBound else {
                throw HubClient.Temporary(reason: "\(done - start) bytes of \(range.upperBound - start)")
            }
        }
        store.count(bytes: range.count)
    }

    private func isSameFile(_ answer: HTTPAnswer, isHub: Bool) -> Bool {
        if isHub, let own = answer.headers["x-linked-etag"] ?? answer.headers["etag"] {
            return HubClient.plain(own) == etag
        }
        guard let other = answer.headers["etag"] else { return true }
        return locked {
            storageETag = storageETag ?? other
            return storageETag == other
        }
    }

    private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws {
        var done = 0
        while done < bytes.count {
            let part = UnsafeRawBufferPointer(rebasing: bytes[done...])
            let written = pwrite(descriptor, part.baseAddress, part.count, off_t(offset + done))
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw FormatError.io(path: file, operation: "write", code: errno) }
            done += written
        }
    }

    // MARK: The whole file

    package func requireWhole() throws {
        guard locked({ whole == nil }) else { return }
        let lease = try store.hold(file, of: snapshot)
        let descriptor = open(lease.path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FormatError.io(path: lease.path, operation: "open", code: errno) }
        do {
            try compare(with: descriptor)
        } catch {
            close(descriptor)
            throw error
        }
        let isSecond = locked {
            defer { whole = whole ?? Whole(descriptor: descriptor, lease: lease) }
            return whole != nil
        }
        if isSecond { close(descriptor) }
    }

    /// Samples may have been made of the blocks; they must have been those of the file.
    private func compare(with other: Int32) throws {
        var ours = [UInt8](repeating: 0, count: blockBytes)
        var theirs = ours
        for block in locked({ blocks.indices.filter { blocks[$0] == .here } }) {
            let range = block * blockBytes..<min((block + 1) * blockBytes, count)
            func fill(_ buffer: inout [UInt8], from descriptor: Int32) throws {
                try buffer.withUnsafeMutableBytes {
                    try Self.fill(
                        UnsafeMutableRawBufferPointer(rebasing: $0.prefix(range.count)), from: descriptor,
                        at: range.lowerBound, path: file)
                }
            }
            try fill(&ours, from: descriptor)
            try fill(&theirs, from: other)
            guard ours == theirs else {
                throw DataError.hub(
                    .unexpectedContent(
                        url: HubClient.shown(store.client.address(of: file, in: snapshot)),
                        what: "bytes \(range.lowerBound)-\(range.upperBound - 1)",
                        expected: "those of the file whose SHA-256 was checked",
                        got: "others from a range request, of which samples may have been made"))
            }
        }
    }
}
