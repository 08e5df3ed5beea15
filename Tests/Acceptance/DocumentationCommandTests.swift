import Foundation
import TestSupport
import Testing

/// The pages that users follow: every command in them is run as written, page by page, from a folder with what the page
/// says is there.
///
/// Trainings are cut to a few steps of small pictures: the program is called through a script that adds options.
@Suite struct DocumentationCommandTests {
    /// Why a block may be left out: what a test cannot have.
    private static let excuses = [
        "builds the program", "needs an accelerator", "needs several processes or machines", "needs Slurm",
        "needs pretrained weights", "needs a container engine", "needs an account of the hub", "takes minutes",
    ]
    /// Languages of blocks: commands, configurations, and what is neither.
    private static let languages = ["sh", "yaml", "text", "json", "swift"]

    struct Block {
        let line: Int
        let language: String
        let excuse: String?
        let text: String
    }

    static let pages: [String] = {
        let docs = Goldens.repository.appendingPathComponent("docs")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: docs.path)) ?? []
        return ["README.md"]
            + names.filter { $0.hasSuffix(".md") && !$0.hasPrefix("SPEC_") }.sorted().map { "docs/" + $0 }
    }()

    static func blocks(_ page: String) throws -> [Block] {
        let text = try String(contentsOf: Goldens.repository.appendingPathComponent(page), encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var found: [Block] = []
        var open: (line: Int, language: String, excuse: String?, text: [Substring])?
        for (index, line) in lines.enumerated() {
            if let block = open {
                guard line.hasPrefix("```") else {
                    open?.text.append(line)
                    continue
                }
                found.append(
                    Block(
                        line: block.line, language: block.language, excuse: block.excuse,
                        text: block.text.joined(separator: "\n")))
                open = nil
            } else if line.hasPrefix("```") {
                let marker = index > 0 ? lines[index - 1].wholeMatch(of: /<!-- not run: (.*) -->/)?.output.1 : nil
                open = (index + 2, String(line.dropFirst(3)), marker.map(String.init), [])
            }
        }
        return found
    }

    @Test("blocks say what they are, and those that are not run why", arguments: pages)
    func marks(page: String) throws {
        for block in try Self.blocks(page) {
            let place = "\(page):\(block.line)"
            #expect(Self.languages.contains(block.language), "\(place): '\(block.language)'")
            #expect(block.excuse.map { Self.excuses.contains($0) } ?? true, "\(place): \(block.excuse ?? "")")
            guard block.language == "text" else { continue }
            #expect(!block.text.contains(/(^|\n)(lam|bash|\.build)/), "\(place): commands are marked as sh")
        }
    }

    @Test(
        "the pages have commands to run", arguments: ["README.md", "docs/train-on-my-robot.md", "docs/label-video.md"])
    func commands(page: String) throws {
        #expect(try Self.blocks(page).count { $0.language == "sh" && $0.excuse == nil } >= 2)
    }

    @Test("every command of a page runs, in order", arguments: pages)
    func walk(page: String) throws {
        let blocks = try Self.blocks(page).filter { $0.excuse == nil && ["sh", "yaml"].contains($0.language) }
        guard blocks.contains(where: { $0.language == "sh" }) else { return }
        let folder = try TemporaryFolder()
        let tools = try TemporaryFolder()
        let program = Bundle.main.bundleURL.appendingPathComponent("lam").path
        let shim = """
            #!/bin/sh
            case $1 in
            fit)
                set -- "$@" --trainer.max_steps 3 --trainer.log_every_n_steps 1 --data.batch_size 2 \\
                    --data.num_workers 1 --data.resolution 32 ;;
            validate) set -- "$@" --trainer.limit_val_batches 2 --data.batch_size 8 --data.resolution 32 ;;
            predict) set -- "$@" --data.resolution 32 ;;
            esac
            exec '\(program)' "$@"

            """
        _ = try tools.write(shim, to: "lam")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: tools.path("lam"))
        if page == "README.md" {
            // "Your own data" are where the page says.
            try FileManager.default.createDirectory(at: folder.url("data"), withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                at: Goldens.repository.appendingPathComponent("datasets/quickstart_push_v30"),
                to: folder.url("data/my_arm"))
        }
        for block in blocks {
            guard block.language == "sh" else {
                // A configuration that has a name is a file.
                if let name = block.text.firstMatch(of: /^# (\S+\.yaml)\n/)?.output.1 {
                    _ = try folder.write(block.text, to: String(name))
                }
                continue
            }
            let (status, said) = try run(block.text, in: folder, tools)
            #expect(status == 0, "\(page):\(block.line): \(said.suffix(3_000))")
            guard status == 0 else { return }
        }
    }

    private func run(_ script: String, in folder: TemporaryFolder, _ tools: TemporaryFolder) throws -> (Int32, String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["--default-signal", "bash", "-euo", "pipefail", "-c", script]
        process.currentDirectoryURL = folder.root
        var environment = ProcessInfo.processInfo.environment
        environment["PATH"] = "\(tools.root.path):\(environment["PATH"] ?? "/usr/bin:/bin")"
        environment["LAM"] = Goldens.repository.path
        // What the user of this machine has in caches is no part of a page.
        environment["HOME"] = folder.root.path
        process.environment = environment
        let output = tools.url("output")
        try Data().write(to: output)
        let handle = try FileHandle(forWritingTo: output)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = handle
        process.standardError = handle
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: try Data(contentsOf: output), as: UTF8.self))
    }

    @Test("the README is short, and all links between the pages lead somewhere")
    func links() throws {
        let readme = try String(contentsOf: Goldens.repository.appendingPathComponent("README.md"), encoding: .utf8)
        #expect(readme.split(separator: "\n", omittingEmptySubsequences: false).count <= 151)
        for page in Self.pages + ["CONTRIBUTING.md"] {
            let url = Goldens.repository.appendingPathComponent(page)
            let text = try String(contentsOf: url, encoding: .utf8)
            for match in text.matches(of: /\]\(([^)\s]+)\)/) {
                let target = String(match.output.1)
                guard !target.hasPrefix("http") else { continue }
                let parts = target.split(separator: "#", omittingEmptySubsequences: false).map(String.init)
                let file = parts[0].isEmpty ? url : url.deletingLastPathComponent().appendingPathComponent(parts[0])
                #expect(FileManager.default.fileExists(atPath: file.path), "\(page): \(target)")
                guard parts.count > 1, file.pathExtension == "md" else { continue }
                let there = try String(contentsOf: file, encoding: .utf8)
                let anchors = there.split(separator: "\n").filter { $0.hasPrefix("#") }.map { heading in
                    heading.drop { $0 == "#" || $0 == " " }.lowercased().filter {
                        $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_"
                    }.replacing(" ", with: "-")
                }
                #expect(anchors.contains(parts[1]), "\(page): \(target)")
            }
        }
    }
}
