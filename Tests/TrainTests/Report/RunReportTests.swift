import Formats
import Foundation
import LAMTrain
import Reports
import TestSupport
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// Runs read back from their records, and drawn.
@Suite struct RunReportTests {
    /// A run's folder with a record of `lines`.
    private func run(_ folder: TemporaryFolder, _ name: String, _ lines: [String]) throws -> String {
        let path = folder.path(name)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: folder.url(name + "/metrics.jsonl"))
        return path
    }

    private static let curve = (0..<1200).map {
        "{\"step\": \($0), \"time\": 1.5, \"train_loss_step\": \(3.0 / Double($0 + 1)), \"codes/dead\": 2.0}"
    }

    private func isWellFormed(_ xml: String) -> Bool { XMLParser(data: Data(xml.utf8)).parse() }

    @Test("damaged lines and values that are no numbers are passed over; a repeated step keeps its last value")
    func reading() throws {
        let folder = try TemporaryFolder()
        let path = try run(
            folder, "tiny/version_0",
            [
                "{\"step\": 1, \"a\": 1.0, \"time\": 3.0}", "{\"step\": 0, \"a\": 5.0}", "nonsense", "[1]",
                "{\"step\": -4, \"a\": 9.0}", "{\"step\": \"1\", \"a\": 9.0}", "{\"step\": 1e300, \"a\": 9.0}",
                "{\"step\": 2, \"a\": \"NaN\", \"b\": {\"c\": 1}}", "{\"step\": 1, \"a\": 2.0}",
                "{\"step\": 1, \"codes/uses\": [1, 2, 3]}", "{\"step\": 0, \"codes/uses\": [4, 5]}",
                "{\"step\": 2, \"codes/uses\": [0, 2, \"x\"]}", "{\"step\": 3, \"a\": 7",
            ])
        let log = try RunLog(path: path)
        #expect(log.series.keys.sorted() == ["a"])
        #expect(log.series["a"]?.steps == [0, 1] && log.series["a"]?.values == [5, 2])
        #expect(log.codeUses.map(\.step) == [1] && log.codeUses.first?.counts == [1, 2, 3])
        #expect(log.name == "tiny/version_0")
    }

    @Test("the newest version of a run with a record is taken; a folder without one is refused")
    func versions() throws {
        let folder = try TemporaryFolder()
        for version in [0, 2] { _ = try run(folder, "tiny/version_\(version)", Self.curve) }
        try FileManager.default.createDirectory(
            atPath: folder.path("tiny/version_3"), withIntermediateDirectories: true)
        #expect(try RunLog(path: folder.path("tiny")).name == "tiny/version_2")
        #expect(throws: ReportError.noRun(path: folder.path("none"))) { try RunLog(path: folder.path("none")) }
        let empty = try run(folder, "empty", ["{}"])
        #expect(throws: ReportError.noValues(path: empty + "/metrics.jsonl")) { try RunLog(path: empty) }
    }

    @Test("a page has a chart per value and a curve per run, thinned, and is well-formed whatever runs are called")
    func plot() throws {
        let folder = try TemporaryFolder()
        let first = try run(folder, "a<b>&\"c\"/version_0", Self.curve)
        let second = try run(folder, "one/version_0", ["{\"step\": 7, \"train_loss_step\": 1e-30}"])
        let svg = try RunPlot(paths: [first, second]).svg()
        #expect(isWellFormed(svg), "\(svg.prefix(2000))")
        #expect(svg.contains("a&lt;b&gt;&amp;") && svg.contains(">one/version_0<"))
        #expect(
            svg.components(separatedBy: "<polyline").count == 3 && svg.components(separatedBy: "<circle").count == 2)
        for line in svg.components(separatedBy: "points=\"").dropFirst() {
            #expect(line.prefix { $0 != "\"" }.split(separator: " ").count == 400, "1200 points, three in one")
        }
        #expect(!svg.contains("nan") && !svg.contains("inf"))
    }

    @Test("an axis has three labels at least, and steps are whole")
    func ticks() throws {
        let folder = try TemporaryFolder()
        let lines = [-4.0, 4.0].enumerated().map { "{\"step\": \($0), \"train_loss_step\": \($1)}" }
        let svg = try RunPlot(paths: [run(folder, "signs", lines)]).svg()
        for label in ["-4", "-2", "0", "2", "4", "1"] { #expect(svg.contains(">\(label)<"), "\(label)") }
        #expect(!svg.contains(">0.5<"))
    }

    @Test("values of one size, huge ones and a single point are drawn, too")
    func extremes() throws {
        let folder = try TemporaryFolder()
        for (name, values) in [("equal", [2.0, 2, 2]), ("huge", [-1e308, 1e308]), ("single", [0]), ("zero", [0, 0])] {
            let path = try run(
                folder, name,
                values.enumerated().map { "{\"step\": \($0 * 1_000_000_000), \"train_loss_step\": \($1)}" })
            let svg = try RunPlot(paths: [path]).svg()
            #expect(isWellFormed(svg) && !svg.contains("nan"), "\(name)")
        }
    }

    @Test("a report stands alone: curves, codes, contact sheets, evaluation and configuration, no script, no links")
    func report() throws {
        let folder = try TemporaryFolder()
        let uses = (0..<500).map { "{\"step\": \($0), \"codes/uses\": [\($0), 0, 3, 1]}" }
        let path = try run(folder, "tiny/version_0", Self.curve + uses)
        try Data("lam_model_dim: 32\nname: <script>alert(1)</script>\n".utf8).write(
            to: folder.url("tiny/version_0/hparams.yaml"))
        try FileManager.default.createDirectory(atPath: path + "/contact_sheets", withIntermediateDirectories: true)
        let sheet = try PNGImage(width: 2, height: 2, pixels: [UInt8](repeating: 9, count: 12)).encoded()
        for name in ["code_03.png", "other.png"] {
            try Data(sheet).write(to: folder.url("tiny/version_0/contact_sheets/\(name)"))
        }
        #expect(throws: ReportError.self) { try RunReport(path: path, evaluation: folder.path("none")) }
        try Data("{\"val/mse_loss\": 0.25}".utf8).write(to: folder.url("tiny/version_0/metrics.json"))

        let report = try RunReport(path: folder.path("tiny"))
        try report.write(to: folder.path("report.html"))
        let html = try String(contentsOf: folder.url("report.html"), encoding: .utf8)
        for part in ["train_loss_step", "Codes over time", "code_03", "val/mse_loss", "lam_model_dim: 32", "<svg"] {
            #expect(html.contains(part), "\(part)")
        }
        #expect(!html.contains("<script") && html.contains("&lt;script&gt;"))
        #expect(!html.contains("src=\"http") && !html.contains("href"))
        let pictures = html.components(separatedBy: "data:image/png;base64,").dropFirst()
        #expect(pictures.count == 2)
        for picture in pictures {
            let base64 = String(picture.prefix { $0 != "\"" })
            let image = try PNGImage(png: [UInt8](try #require(Data(base64Encoded: base64))))
            #expect(image.width > 0)
        }
        #expect(Data(base64Encoded: String(pictures.last?.prefix { $0 != "\"" } ?? "")) == Data(sheet))
    }
}
