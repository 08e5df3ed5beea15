import Formats
import Foundation

/// The download of one file into `blobs/<etag>.incomplete`, which is there from the beginning and grows: an
/// interrupted download goes on where it stopped, in this process or another.
struct HubDownload {
    let client: HubClient
    let facts: HubFileFacts
    /// Where the finished file belongs.
    let blob: String

    private var partial: String { blob + ".incomplete" }

    /// One attempt; the caller holds the lock of this ETag.
    ///
    /// - Parameter hasProgressed: set where bytes arrived.
    /// - Throws: `HubClient.Temporary`; `DataError.hub`; `FormatError.io` where the disk does not take it.
    func attempt(isCancelled: @escaping () -> Bool, hasProgressed: inout Bool) throws {
        let file = try PartialFile(path: partial, blob: blob)
        if let size = facts.size, file.count > size { try file.restart() }
        let before = file.count
        do {
            if facts.size == nil || file.count < facts.size ?? 0 || file.count == 0 {
                try fetch(into: file, isCancelled: isCancelled)
            }
        } catch is HubClient.NoSuchRange {
            try file.restart()
            throw HubClient.Temporary(reason: "the server has no bytes from \(before) on")
        } catch {
            hasProgressed = file.count > before
            throw error
        }
        try verify(file)
        try file.finish()
    }

    private func fetch(into file: PartialFile, isCancelled: @escaping () -> Bool) throws {
        let offset = file.count
        var headers = [(name: "Accept-Encoding", value: "identity")]
        if offset > 0 { headers.append((name: "Range", value: "bytes=\(offset)-")) }
        _ = try client.exchange(
            facts.source, headers: headers, isCancelled: isCancelled,
            begin: { answer, url in
                if client.isHub(url), let etag = (answer.headers["x-linked-etag"] ?? answer.headers["etag"]),
                    HubClient.plain(etag) != facts.etag
                {
                    throw HubClient.Temporary(reason: "the file changed while it was fetched")
                }
                if answer.status == 206 {
                    try requireRange(answer.headers["content-range"], from: offset, url: url)
                } else if offset > 0 {
                    // Resuming is a server's choice.
                    try file.restart()
                }
            },
            body: { part in
                if let size = facts.size, file.count + part.count > size {
                    try file.restart()
                    throw mismatch("size", "\(size) bytes", "more")
                }
                try file.append(part)
            })
    }

    /// `bytes 100-199/200`.
    private func requireRange(_ header: String?, from offset: Int, url: String) throws {
        let parts = (header ?? "").split(whereSeparator: { " -/".contains($0) })
        let isAsked =
            parts.count == 4 && parts[0].lowercased() == "bytes" && Int(parts[1]) == offset
            && (parts[3] == "*" || facts.size == nil || Int(parts[3]) == facts.size)
        guard isAsked else {
            throw mismatch("range", "bytes \(offset)-…/\(facts.size.map(String.init) ?? "*")", header ?? "none")
        }
    }

    private func verify(_ file: PartialFile) throws {
        if let size = facts.size, file.count != size {
            // A short body without an error of its own: the rest may come at the next attempt.
            throw mismatch("size", "\(size) bytes", "\(file.count)")
        }
        guard let expected = facts.sha256 else { return }
        let found = try file.sha256()
        guard found == expected else {
            try file.restart()
            throw mismatch("SHA-256", expected, found)
        }
    }

    private func mismatch(_ what: String, _ expected: String, _ got: String) -> HubClient.Temporary {
        HubClient.Temporary(
            reason: "\(what): expected \(expected), got \(got)",
            failure: .unexpectedContent(
                url: HubClient.shown(facts.source), what: what, expected: expected, got: got))
    }
}

/// The growing file of a download.
private final class PartialFile {
    private(set) var count: Int
    private let path: String
    private let blob: String
    private let descriptor: Int32

    init(path: String, blob: String) throws {
        (self.path, self.blob) = (path, blob)
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw FormatError.io(path: path, operation: "create", code: errno) }
        let end = lseek(descriptor, 0, SEEK_END)
        guard end >= 0 else { throw FormatError.io(path: path, operation: "seek", code: errno) }
        count = Int(end)
    }

    deinit { close(descriptor) }

    func append(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes
        while let start = rest.baseAddress, !rest.isEmpty {
            let written = write(descriptor, start, rest.count)
            if written < 0 {
                if errno == EINTR { continue }
                throw FormatError.io(path: path, operation: "write", code: errno)
            }
            count += written
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
        }
    }

    func restart() throws {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw FormatError.io(path: path, operation: "truncate", code: errno)
        }
        count = 0
    }

    func sha256() throws -> String {
        var digest = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var offset = 0
        while offset < count {
            let read = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, offset) }
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { throw FormatError.io(path: path, operation: "read", code: errno) }
            buffer.withUnsafeBytes { digest.update(UnsafeRawBufferPointer(rebasing: $0.prefix(read))) }
            offset += read
        }
        return digest.hexadecimal
    }

    /// Makes the bytes durable and gives the file its name.
    func finish() throws {
        guard fsync(descriptor) == 0 else { throw FormatError.io(path: path, operation: "flush", code: errno) }
        guard rename(path, blob) == 0 else { throw FormatError.io(path: blob, operation: "rename", code: errno) }
        try AtomicFile.syncFolder(of: blob)
    }
}
