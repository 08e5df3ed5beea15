import DataCore
import Foundation

/// Parts of videos that are episodes: `segments.csv` in the root of a folder of videos.
///
/// A header names the columns, in any order: `file`, `start`, `end` and, if wanted, `text`. Times are seconds from the first
/// frame, or `H:M:S`; an empty start is the beginning, an empty end the end. Fields may be quoted, RFC 4180.
struct SegmentTable {
    struct Row {
        let line: Int
        let start: Double
        /// Nil: the video's.
        let end: Double?
        let text: String?
    }

    static let name = "segments.csv"

    let path: String
    /// By the file's path below the root, in the order of the table.
    private(set) var rows: [String: [Row]] = [:]

    /// - Returns: nil where the folder has none.
    /// - Throws: `DataError`.
    init?(root: String) throws {
        path = "\(root)/\(Self.name)"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        var bytes = try MetadataFile(path: path, purpose: "segments of videos").bytes[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DataError.segments(path: path, line: 1, expected: "text in UTF-8", got: "other bytes")
        }
        let records = try Self.records(text, path: path)
        guard let header = records.first else { throw DataError.emptyFile(path: path) }
        let names = header.fields.map { $0.lowercased() }
        func column(_ name: String) throws -> Int {
            guard let place = names.firstIndex(of: name) else {
                throw DataError.segments(
                    path: path, line: header.line, expected: "a header with file, start, end (and text)",
                    got: header.fields.joined(separator: ","))
            }
            return place
        }
        let (file, start, end) = (try column("file"), try column("start"), try column("end"))
        let words = names.firstIndex(of: "text")
        for record in records.dropFirst() {
            guard record.fields.count == names.count else {
                throw DataError.segments(
                    path: path, line: record.line, expected: "\(names.count) fields", got: "\(record.fields.count)")
            }
            let from = try Self.seconds(record.fields[start], record.line, path) ?? 0
            let to = try Self.seconds(record.fields[end], record.line, path)
            if let to, to <= from {
                throw DataError.segments(
                    path: path, line: record.line, expected: "an end behind the start", got: "\(from) to \(to)")
            }
            var name = record.fields[file]
            if name.hasPrefix("./") { name = String(name.dropFirst(2)) }
            let text = words.map { record.fields[$0] }.flatMap { $0.isEmpty ? nil : $0 }
            rows[name, default: []].append(Row(line: record.line, start: from, end: to, text: text))
        }
    }

    /// `1.5`, `02:03.5`, `1:02:03`; nil for nothing.
    private static func seconds(_ text: String, _ line: Int, _ path: String) throws -> Double? {
        guard !text.isEmpty else { return nil }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
        let numbers = parts.compactMap { $0 }
        guard (1...3).contains(parts.count), numbers.count == parts.count,
            numbers.allSatisfy({ $0.isFinite && $0 >= 0 && $0 < 1e9 })
        else {
            throw DataError.segments(path: path, line: line, expected: "seconds or H:M:S", got: text)
        }
        return numbers.reduce(0) { $0 * 60 + $1 }
    }

    /// Records of comma-separated values; empty lines are none.
    private static func records(_ text: String, path: String) throws -> [(line: Int, fields: [String])] {
        var records: [(line: Int, fields: [String])] = []
        var (fields, field): ([String], String) = ([], "")
        var (line, first) = (1, 1)
        var (isQuoted, wasQuoted) = (false, false)
        func end() {
            fields.append(wasQuoted ? field : field.trimmingCharacters(in: .whitespaces))
            (field, wasQuoted) = ("", false)
        }
        func endRecord() {
            end()
            if fields != [""] { records.append((first, fields)) }
            fields = []
        }
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            if scalar == "\n" { line += 1 }
            if isQuoted {
                if scalar != "\"" {
                    field.unicodeScalars.append(scalar)
                } else if rest.first == "\"" {
                    rest.removeFirst()
                    field.append("\"")
                } else {
                    isQuoted = false
                }
                continue
            }
            switch scalar {
            case "\"" where field.allSatisfy({ $0 == " " }): (field, isQuoted, wasQuoted) = ("", true, true)
            case ",": end()
            case "\n":
                endRecord()
                first = line
            case "\r" where rest.first == "\n" || rest.isEmpty: break
            default: if !wasQuoted || scalar != " " { field.unicodeScalars.append(scalar) }
            }
        }
        guard !isQuoted else {
            throw DataError.segments(path: path, line: first, expected: "a closing quote", got: "the end of the file")
        }
        endRecord()
        return records
    }
}
