import Foundation

/// A JSON or JSON-lines file below `meta/`, read whole.
package struct MetadataFile {
    package let path: String
    package let bytes: [UInt8]

    /// - Throws: `DataError.missingFile`, `.unreadableFile`, `.emptyFile`, `.lfsPointer`.
    package init(path: String, purpose: String) throws {
        try Self.requireContent(path: path, purpose: purpose)
        do {
            bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw DataError.unreadableFile(path: path, reason: error.localizedDescription)
        }
        self.path = path
        guard bytes.contains(where: { $0 > 0x20 }) else { throw DataError.emptyFile(path: path) }
    }

    /// Checks that a file exists, is a regular file with content and no Git LFS pointer; reads its first bytes at most.
    package static func requireContent(path: String, purpose: String) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw DataError.missingFile(path: path, purpose: purpose)
        }
        guard !isDirectory.boolValue else {
            throw DataError.unreadableFile(path: path, reason: "expected \(purpose), got a folder")
        }
        let resolved = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        let attributes = try? FileManager.default.attributesOfItem(atPath: resolved)
        guard attributes?[.type] as? FileAttributeType == .typeRegular else {
            throw DataError.unreadableFile(
                path: path, reason: "expected \(purpose), got something that is no plain file")
        }
        guard let size = attributes?[.size] as? NSNumber, size.intValue > 0 else {
            throw DataError.emptyFile(path: path)
        }
        // Pointers are about 130 bytes; a larger file need not be opened for this.
        guard size.intValue < 1024 else { return }
        guard let handle = FileHandle(forReadingAtPath: path), let head = try? handle.read(upToCount: 64) else {
            throw DataError.unreadableFile(path: path, reason: "cannot be opened")
        }
        try? handle.close()
        if head.starts(with: "version https://git-lfs.github.com/spec/v1".utf8) {
            throw DataError.lfsPointer(path: path)
        }
    }

    /// The whole file as one document.
    package func document() throws -> JSON { try JSON.parse(bytes, path: path) }

    /// One document per line, with its line number from 1; blank lines are skipped. A file whose documents were indented,
    /// and so take several lines, is read as well.
    package func lines() throws -> [(line: Int, value: JSON)] {
        do {
            return try documentsByLine()
        } catch let error as DataError {
            guard let documents = try? JSON.parseAll(bytes, path: path),
                documents.allSatisfy({ if case .object = $0.value { true } else { false } })
            else {
                guard case .malformedJSON(let path, let line, let column, let reason) = error else { throw error }
                throw DataError.malformedJSON(
                    path: path, line: line, column: column, reason: reason + "; expected one whole object in each line")
            }
            return documents
        }
    }

    private func documentsByLine() throws -> [(line: Int, value: JSON)] {
        var result: [(line: Int, value: JSON)] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
        where line.contains(where: { $0 > 0x20 }) {
            result.append((index + 1, try JSON.parse(line, path: path, firstLine: index + 1)))
        }
        return result
    }

    /// An integer field in `range`.
    package func integer(_ value: JSON?, _ field: String, in range: ClosedRange<Int>, line: Int? = nil) throws -> Int {
        guard let integer = value?.int, range.contains(integer) else {
            throw invalid(field, "an integer in \(range.lowerBound)…\(range.upperBound)", value, line: line)
        }
        return integer
    }

    /// Instructions: a list of strings, a single one, or none.
    package func instructions(_ value: JSON?, _ field: String, line: Int? = nil) throws -> [String] {
        switch value {
        case nil, .null: []
        case .string(let text): [text]
        default: try strings(value, field, line: line)
        }
    }

    /// A list of strings.
    func strings(_ value: JSON?, _ field: String, line: Int? = nil) throws -> [String] {
        guard let array = value?.array else { throw invalid(field, "a list of strings", value, line: line) }
        return try array.map {
            guard let string = $0.string else { throw invalid(field, "a list of strings", $0, line: line) }
            return string
        }
    }

    package func invalid(_ field: String, _ expected: String, _ value: JSON?, line: Int? = nil) -> DataError {
        .invalidField(path: path, line: line, field: field, expected: expected, got: value?.summary ?? "nothing")
    }
}
