import Formats
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct AtomicFileTests {
    private struct Refused: Error {}

    @Test("a committed file is whole, in its place, and leaves no temporary file")
    func commits() throws {
        let folder = try TemporaryFolder()
        let large = [UInt8](repeating: 7, count: 300_000)
        let file = try AtomicFile(path: folder.path("a"))
        try file.write([1, 2, 3])
        try file.write(large)
        try file.write([4])
        #expect(file.count == 300_004)
        #expect(!FileManager.default.fileExists(atPath: folder.path("a")))
        try file.commit()
        #expect(try Data(contentsOf: folder.url("a")) == Data([1, 2, 3] + large + [4]))
        #expect(try folder.names() == ["a"])
    }

    @Test("a write that is given up leaves the old file")
    func discards() throws {
        let folder = try TemporaryFolder()
        try AtomicFile.write([1], to: folder.path("a"))
        #expect(throws: Refused.self) {
            try AtomicFile.write(to: folder.path("a")) { file in
                try file.write([2, 3])
                throw Refused()
            }
        }
        #expect(try Data(contentsOf: folder.url("a")) == Data([1]))
        #expect(try folder.names() == ["a"])
    }

    @Test("a full disk is an error, removes the temporary file and leaves the old one")
    func fullDisk() throws {
        let folder = try TemporaryFolder()
        try AtomicFile.write([1], to: folder.path("a"))
        // The device that is always full stands in for a full disk.
        let temporary = folder.path("temporary")
        try FileManager.default.createSymbolicLink(atPath: temporary, withDestinationPath: "/dev/full")
        #expect(throws: FormatError.io(path: folder.path("a"), operation: "write", code: ENOSPC)) {
            let file = try AtomicFile(path: folder.path("a"), temporaryPath: temporary)
            try file.write([UInt8](repeating: 2, count: 1 << 20))
            try file.commit()
        }
        #expect(try Data(contentsOf: folder.url("a")) == Data([1]))
        #expect(try folder.names() == ["a"])
    }

    @Test("threads that write one file at a time leave one of their contents whole")
    func threads() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("a")
        let errors = Mutex<[FormatError]>([])
        DispatchQueue.concurrentPerform(iterations: 64) { writer in
            do throws(FormatError) {
                try AtomicFile.write([UInt8](repeating: UInt8(writer), count: 10_000), to: path)
            } catch {
                errors.withLock { $0.append(error) }
            }
        }
        #expect(errors.withLock { $0 } == [])
        let data = try Data(contentsOf: folder.url("a"))
        #expect(data.count == 10_000 && Set(data).count == 1)
        #expect(try folder.names() == ["a"])
    }

    @Test("a missing folder is an error that names the file")
    func missingFolder() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("none/a")
        #expect(throws: FormatError.io(path: path, operation: "create", code: ENOENT)) {
            try AtomicFile.write([1], to: path)
        }
    }
}
