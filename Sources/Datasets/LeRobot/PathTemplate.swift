import DataCore

/// A path template of `info.json`, in the subset of Python's format language that LeRobot uses: text, `{name}` and
/// `{name:0Nd}`, with `{{` and `}}` for braces. SPEC_LEROBOT §1.
///
/// A template that is absolute or holds `..` is refused before any file is opened: datasets come from strangers.
package struct PathTemplate: Sendable {
    /// A number with zeros in front, as the templates' `{…:03d}` write it.
    package static func padded(_ number: Int, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private enum Part: Sendable {
        case text(String)
        case field(name: String, width: Int)
    }

    let template: String
    private let parts: [Part]
    private let field: String
    private let path: String

    /// - Parameters:
    ///   - field: `data_path` or `video_path`; with `path`, the file it stands in, for messages.
    ///   - known: placeholders that this version of the format has.
    init(_ template: String, field: String, path: String, known: [String]) throws {
        self.template = template
        self.field = field
        self.path = path
        var parts: [Part] = []
        var text = ""
        var rest = Substring(template)
        func malformed(_ reason: String) -> DataError {
            .malformedTemplate(path: path, field: field, template: template, reason: reason)
        }
        while let character = rest.popFirst() {
            switch character {
            case "{" where rest.first == "{", "}" where rest.first == "}":
                rest.removeFirst()
                text.append(character)
            case "{":
                guard let end = rest.firstIndex(of: "}") else { throw malformed("{ without }") }
                let inner = rest[..<end]
                rest = rest[rest.index(after: end)...]
                let pieces = inner.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                let name = String(pieces[0])
                guard known.contains(name) else {
                    throw DataError.unknownPlaceholder(
                        path: path, field: field, template: template, placeholder: name, known: known)
                }
                let specification = pieces.count == 2 ? pieces[1] : ""
                guard let width = Self.width(specification), name != "video_key" || specification.isEmpty else {
                    throw malformed("expected a format such as :03d in {\(inner)}")
                }
                if !text.isEmpty { parts.append(.text(text)) }
                text = ""
                parts.append(.field(name: name, width: width))
            case "}":
                throw malformed("} without {")
            default:
                text.append(character)
            }
        }
        if !text.isEmpty { parts.append(.text(text)) }
        self.parts = parts
        guard !template.isEmpty else { throw malformed("empty") }
        guard Self.isBelowRoot(template) else {
            throw DataError.templateEscapesRoot(path: path, field: field, template: template)
        }
    }

    /// Width of `0Nd`, `Nd` never occurs; `d` and nothing mean no padding. Twenty digits hold any Int64.
    private static func width(_ specification: Substring) -> Int? {
        if specification.isEmpty || specification == "d" { return 0 }
        guard specification.first == "0", specification.last == "d", let width = Int(specification.dropLast()),
            (0...20).contains(width)
        else { return nil }
        return width
    }

    private static func isBelowRoot(_ path: String) -> Bool {
        !path.hasPrefix("/") && !path.contains("\0")
            && !path.split(separator: "/", omittingEmptySubsequences: false).contains { $0 == ".." }
    }

    /// The path relative to the dataset root.
    func path(numbers: [String: Int], videoKey: String? = nil) throws -> String {
        var result = ""
        for part in parts {
            switch part {
            case .text(let text):
                result += text
            case .field("video_key", _):
                result += videoKey ?? ""
            case .field(let name, let width):
                let digits = String(numbers[name] ?? 0)
                result += String(repeating: "0", count: max(0, width - digits.count)) + digits
            }
        }
        guard Self.isBelowRoot(result) else {
            throw DataError.templateEscapesRoot(path: path, field: field, template: template)
        }
        return result
    }
}
