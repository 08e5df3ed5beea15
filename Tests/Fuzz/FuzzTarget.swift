import Foundation
import TestSupport

/// A kind of file, and how all of it is read.
struct FuzzTarget: Sendable {
    typealias Original = (bytes: [UInt8], ending: String)

    let name: String
    /// What is damaged; the ending of a name tells programs what a file is.
    let originals: @Sendable () throws -> [Original]
    /// Bytes that mean something to the format.
    let vocabulary: [UInt8]
    /// Bytes at the beginning, and at the end, that hold the structure.
    let head: Int
    let tail: Int
    let read: @Sendable (_ path: String) throws -> Void

    init(
        _ name: String, vocabulary: [UInt8], head: Int = 1200, tail: Int = 900,
        originals: @escaping @Sendable () throws -> [Original],
        read: @escaping @Sendable (_ path: String) throws -> Void
    ) {
        (self.name, self.vocabulary, self.head, self.tail) = (name, vocabulary, head, tail)
        (self.originals, self.read) = (originals, read)
    }

    /// - Parameter files: below `Tests/Goldens`.
    init(
        _ name: String, files: [String], vocabulary: [UInt8], head: Int = 1200, tail: Int = 900,
        read: @escaping @Sendable (_ path: String) throws -> Void
    ) {
        self.init(
            name, vocabulary: vocabulary, head: head, tail: tail, originals: { try files.map(Self.golden) }, read: read)
    }

    static func golden(_ file: String) throws -> Original {
        let url = Goldens.url(file)
        return ([UInt8](try Data(contentsOf: url)), url.pathExtension)
    }

    func hot(_ bytes: [UInt8], _ round: Int) -> Range<Int> {
        // Originals take turns, so their number must not decide which end is hit.
        (round / 7).isMultiple(of: 2) ? 0..<min(head, bytes.count) : max(0, bytes.count - tail)..<bytes.count
    }
}
