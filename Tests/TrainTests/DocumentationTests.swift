import Configuration
import Foundation
import LAMTrain
import TestSupport
import Testing

/// The configurations in the pages that users copy from.
@Suite("Documentation")
struct DocumentationTests {
    struct Example: CustomTestStringConvertible {
        let page: String
        let line: Int
        let yaml: String
        var testDescription: String { "\(page):\(line)" }
    }

    /// Every fenced block that is marked as YAML, in README.md and docs.
    static let examples: [Example] = {
        let docs = Goldens.repository.appendingPathComponent("docs")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: docs.path)) ?? []
        let pages = ["README.md"] + names.filter { $0.hasSuffix(".md") }.sorted().map { "docs/" + $0 }
        return pages.flatMap { page -> [Example] in
            let url = Goldens.repository.appendingPathComponent(page)
            guard let text = try? String(contentsOf: url, encoding: .utf8) else { return [] }
            var found: [Example] = []
            var block: (line: Int, lines: [Substring])?
            for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                if let open = block {
                    guard line.hasPrefix("```") else {
                        block = (open.line, open.lines + [line])
                        continue
                    }
                    found.append(Example(page: page, line: open.line, yaml: open.lines.joined(separator: "\n")))
                    block = nil
                } else if line.hasPrefix("```yaml") || line.hasPrefix("```yml") {
                    block = (index + 2, [])
                }
            }
            return found
        }
    }()

    @Test("the pages have examples, the README among them")
    func examplesAreFound() {
        #expect(Self.examples.count { $0.page == "README.md" } >= 1)
        #expect(Self.examples.count { $0.page == "docs/configuration.md" } >= 2)
    }

    @Test("every configuration in the documentation parses without a notice", arguments: examples)
    func parses(example: Example) throws {
        let folder = try TemporaryFolder()
        let fit = try FitArguments.parse(arguments: ["--config", folder.write(example.yaml)])
        #expect(fit.notices == [])
        if !fit.configuration.data.stream.datasetMix.isEmpty { try fit.configuration.requireRunnable() }
    }

    @Test(
        "the configurations of a user's own data are whole: shapes fit, a checkpoint is kept, episodes are held out",
        arguments: ["README.md", "docs/train-on-my-robot.md"])
    func ownData(page: String) throws {
        let example = try #require(Self.examples.first { $0.page == page })
        let folder = try TemporaryFolder()
        let configuration = try FitArguments.parse(arguments: ["--config", folder.write(example.yaml)]).configuration
        let stream = configuration.data.stream
        #expect(stream.datasetMix.map(\.name).allSatisfy { $0.hasSuffix("my_arm") } && stream.valFraction > 0)
        #expect(stream.resolution.isMultiple(of: configuration.model.patchSize))
        #expect(
            configuration.trainer.checkpoints.first?.savesLast == true && configuration.trainer.gradientClipVal != nil)
        #expect(example.yaml.split(separator: "\n").count <= (page == "README.md" ? 12 : 40))
    }
}
