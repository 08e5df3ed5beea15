import Formats
import Foundation

/// `lam report`: everything that a run's folder has, on one HTML page that stands alone and runs no script.
public struct RunReport {
    private let run: RunLog
    private let evaluation: String?
    /// Picture of which code follows which.
    private let transitions: [UInt8]?

    /// - Parameters:
    ///   - path: of a run, as `RunLog` takes it.
    ///   - evaluation: folder of `lam validate` or `lam test`; nil for the run's own.
    /// - Throws: `ReportError`.
    public init(path: String, evaluation: String? = nil) throws {
        run = try RunLog(path: path)
        let folder = evaluation ?? run.directory
        let file = "\(folder)/\(EvaluationReport.fileName)"
        if FileManager.default.fileExists(atPath: file) {
            self.evaluation = try Self.text(file)
            let picture = "\(folder)/\(EvaluationReport.transitionsName)"
            transitions = FileManager.default.fileExists(atPath: picture) ? try Self.bytes(picture) : nil
        } else {
            guard evaluation == nil else {
                throw ReportError.unreadable(path: file, reason: "expected the values of an evaluation, found no file")
            }
            self.evaluation = nil
            transitions = nil
        }
    }

    public var directory: String { run.directory }

    /// - Throws: `ReportError` of a file that cannot be read, `FormatError` of a picture that cannot be made.
    public func html() throws -> String {
        var sections: [(title: String, body: String)] = [("Curves", RunPlot([run]).svg())]
        if let map = CodeHeatMap(run.codeUses) {
            sections.append(
                (
                    "Codes over time",
                    "<p>A row per code, code 0 on top; time to the right; darker where used more.</p>"
                        + Self.picture(try map.image().encoded(), name: "use of codes over time")
                ))
        }
        let sheets = try gallery()
        if !sheets.isEmpty {
            let text = "<p>Pairs that use a code: first frame, second frame, and the model's prediction of it.</p>"
            sections.append(("What codes stand for", text + sheets))
        }
        if let transitions {
            let text =
                "<p>A row per code, a column for the code of the next pair; darker where it follows more often.</p>"
            sections.append(
                ("Which code follows which", text + Self.picture(transitions, name: "transitions of codes")))
        }
        if let evaluation { sections.append(("Evaluation", "<pre>\(evaluation.escapedForXML)</pre>")) }
        let parameters = "\(run.directory)/hparams.yaml"
        if FileManager.default.fileExists(atPath: parameters) {
            sections.append(("Configuration", "<pre>\(try Self.text(parameters).escapedForXML)</pre>"))
        }
        let body = sections.map { "<h2>\($0.title)</h2>\n\($0.body)" }.joined(separator: "\n")
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>\(run.name.escapedForXML)</title>
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
            <style>body{font:14px sans-serif;margin:2em auto;max-width:960px;padding:0 1em}img,svg{max-width:100%;height:auto}
            pre{background:#f5f5f5;padding:1em;overflow:auto}figure{margin:1em 0}figcaption{color:#555}</style></head>
            <body><h1>\(run.name.escapedForXML)</h1>
            \(body)
            </body></html>

            """
    }

    /// Writes the page.
    public func write(to path: String) throws { try AtomicFile.write(Array(try html().utf8), to: path) }

    private func gallery() throws -> String {
        let folder = "\(run.directory)/contact_sheets"
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            $0.wholeMatch(of: #/code_\d+\.png/#) != nil
        }
        return try names.sorted().map { name in
            Self.picture(try Self.bytes("\(folder)/\(name)"), name: String(name.dropLast(4)))
        }.joined(separator: "\n")
    }

    private static func picture(_ png: [UInt8], name: String) -> String {
        "<figure><figcaption>\(name.escapedForXML)</figcaption><img alt=\"\(name.escapedForXML)\" "
            + "src=\"data:image/png;base64,\(Data(png).base64EncodedString())\"></figure>"
    }

    private static func bytes(_ path: String) throws -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw ReportError.unreadable(path: path, reason: error.localizedDescription)
        }
    }

    private static func text(_ path: String) throws -> String { String(decoding: try bytes(path), as: UTF8.self) }
}
