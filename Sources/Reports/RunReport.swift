import Formats
import Foundation

/// `lam report`: everything that a run's folder has, on one HTML page that stands alone and runs no script.
public struct RunReport {
    private let run: RunLog
    /// Folder of an evaluation.
    private let evaluation: String

    /// A larger file is none that this program has written.
    private static let sizeLimit = 64 << 20

    /// - Parameters:
    ///   - path: of a run, as `RunLog` takes it.
    ///   - evaluation: folder of `lam validate` or `lam test`; nil for the newest of the run.
    /// - Throws: `ReportError`.
    public init(path: String, evaluation: String? = nil) throws {
        run = try RunLog(path: path)
        self.evaluation =
            evaluation ?? (RunVersion.isEvaluation(run.directory) ? run.directory : nil)
            ?? RunVersion.newestEvaluation(after: run.directory) ?? run.directory
        let file = "\(self.evaluation)/\(EvaluationRecord.fileName)"
        guard evaluation == nil || FileManager.default.fileExists(atPath: file) else {
            throw ReportError.unreadable(path: file, reason: "expected the values of an evaluation, found no file")
        }
    }

    public var directory: String { run.directory }

    /// - Throws: `ReportError` of a file that cannot be read, `FormatError` of a picture that cannot be made.
    public func html() throws -> String {
        var sections: [(title: String, body: String)] = [("Curves", RunPlot([run]).svg())]
        if let words = MetricWords.table(RunPlot([run]).shown) { sections.append(("What the curves tell", words)) }
        if let map = CodeHeatMap(run.codeUses) {
            sections.append(
                (
                    "Codes over time",
                    "<p>A row per code, code 0 on top; time to the right; darker where used more.</p>"
                        + Self.picture(try map.image().encoded(), name: "use of codes over time")
                ))
        }
        let sheets = try gallery(#/code_\d+\.png/#)
        if !sheets.isEmpty {
            let text = "<p>Pairs that use a code: first frame, second frame, and the model's prediction of it.</p>"
            sections.append(("What codes stand for", text + sheets))
        }
        let neighbours = try gallery(#/neighbours_\d+\.png/#)
        if !neighbours.isEmpty {
            let text =
                "<p>A pair on the left, and beside it the pairs of other episodes with the nearest latents: first frame, "
                + "second frame, and the model's prediction of it.</p>"
            sections.append(("Which pairs have similar latents", text + neighbours))
        }
        sections += try evaluationSections() + settings()
        let body = sections.map { "<h2>\($0.title)</h2>\n\($0.body)" }.joined(separator: "\n")
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><title>\(run.name.escapedForXML)</title>
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
            <style>body{font:14px sans-serif;margin:2em auto;max-width:960px;padding:0 1em}img,svg{max-width:100%;height:auto}
            pre{background:#f5f5f5;padding:1em;white-space:pre-wrap}figure{margin:1em 0}figcaption{color:#555}
            table{border-collapse:collapse}td,th{border-bottom:1px solid #ddd;padding:.2em 1em .2em 0;text-align:left;
            vertical-align:top}</style></head>
            <body><h1>\(run.name.escapedForXML)</h1>
            \(body)
            </body></html>

            """
    }

    /// Writes the page.
    public func write(to path: String) throws { try AtomicFile.write(Array(try html().utf8), to: path) }

    private func evaluationSections() throws -> [(title: String, body: String)] {
        var sections: [(title: String, body: String)] = []
        if let picture = try Self.bytes(in: evaluation, EvaluationRecord.transitionsName) {
            var body =
                "<p>A row per code, a column for the code of the next pair; darker where it follows more often.</p>"
                + Self.picture(picture, name: "transitions of codes")
            if let graph = try Self.bytes(in: evaluation, EvaluationRecord.graphName) {
                body +=
                    "\n<p>The same as arrows to the codes that follow most often, wider where they do so more often. A "
                    + "disc is larger for a code that is used more; a ring shows how often it follows itself.</p>"
                    + Self.picture(graph, name: "graph of codes", type: "svg+xml")
            }
            sections.append(("Which code follows which", body))
        }
        if let values = try Self.bytes(in: evaluation, EvaluationRecord.fileName) {
            let record = try? EvaluationRecord(json: Data(values))
            let place = evaluation == run.directory ? "" : "<p>Written to \(evaluation.escapedForXML).</p>"
            sections.append(("Evaluation", place + (record?.html ?? Self.preformatted(values))))
            if let words = record.flatMap({ MetricWords.table($0.metrics.keys.sorted()) }) {
                sections.append(("What the evaluation's numbers tell", words))
            }
        }
        return sections
    }

    /// How the run was made, and how to make it again.
    private func settings() throws -> [(title: String, body: String)] {
        var sections: [(title: String, body: String)] = []
        let configuration = try Self.bytes(in: run.directory, RunRecord.configurationName)
        if let content = try Self.bytes(in: run.directory, RunRecord.fileName),
            let record = try? JSONDecoder().decode(RunRecord.self, from: Data(content)), !record.hosts.isEmpty
        {
            sections.append(("Environment", HTMLTable.of(record.rows)))
            let again =
                configuration == nil
                ? ""
                : "<p>Or, whatever has become of its files, from the configuration below, kept as "
                    + "<code>\(RunRecord.configurationName)</code> in the run's folder:</p>"
                    + "<pre>lam fit --config \(RunRecord.configurationName)</pre>"
            sections.append(
                (
                    "How to make it again",
                    "<p>In <code>\(record.working_directory.escapedForXML)</code>:</p>"
                        + "<pre>\(record.shellCommand.escapedForXML)</pre>" + again
                ))
        }
        if let text = try configuration ?? Self.bytes(in: run.directory, "hparams.yaml") {
            sections.append(("Configuration", Self.preformatted(text)))
        }
        return sections
    }

    private func gallery(_ name: Regex<Substring>) throws -> String {
        let folder = "\(run.directory)/contact_sheets"
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            $0.wholeMatch(of: name) != nil
        }
        return try names.sorted().compactMap { name in
            try Self.bytes(in: folder, name).map { Self.picture($0, name: String(name.dropLast(4))) }
        }.joined(separator: "\n")
    }

    private static func picture(_ content: [UInt8], name: String, type: String = "png") -> String {
        "<figure><figcaption>\(name.escapedForXML)</figcaption><img alt=\"\(name.escapedForXML)\" "
            + "src=\"data:image/\(type);base64,\(Data(content).base64EncodedString())\"></figure>"
    }

    private static func preformatted(_ text: [UInt8]) -> String {
        "<pre>\(String(decoding: text, as: UTF8.self).escapedForXML)</pre>"
    }

    /// A file's content; nil where there is none.
    private static func bytes(in folder: String, _ name: String) throws -> [UInt8]? {
        let path = "\(folder)/\(name)"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
            guard size <= sizeLimit else {
                throw ReportError.unreadable(path: path, reason: "expected at most \(sizeLimit) bytes, got \(size)")
            }
            return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch let error as ReportError {
            throw error
        } catch {
            throw ReportError.unreadable(path: path, reason: error.localizedDescription)
        }
    }
}
