import Formats
import Foundation
import TestSupport
import Testing

/// What a run keeps of itself, and `lam report` of a run.
@Suite struct ReportTests {
    private func losses(_ program: LamProgram, _ version: Int) throws -> [Double] {
        let file = program.folder.url("logs/tiny/version_\(version)/metrics.jsonl")
        return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").compactMap { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return (object?["train_loss_step"] as? NSNumber)?.doubleValue
        }
    }

    @Test("a run is made again from the configuration in its folder, with the seed that it drew")
    func again() throws {
        let program = try LamProgram()
        let first = try program.fit("--seed_everything", "true", "--model.optimizer.init_args.lr", "0.003")
        #expect(first.status == 0, "\(first.error)")
        let second = try program.run("fit", "--config", "logs/tiny/version_0/config.yaml")
        #expect(second.status == 0, "\(second.error)")
        #expect(try losses(program, 0).count == 4)
        #expect(try losses(program, 0) == losses(program, 1))

        let third = try program.fit("--seed_everything", "true", "--model.optimizer.init_args.lr", "0.003")
        #expect(third.status == 0)
        #expect(try losses(program, 0) != losses(program, 2), "seeds are drawn anew")

        let result = try program.run("report", "logs/tiny/version_0")
        #expect(result.status == 0, "\(result.error)")
        let html = try String(contentsOf: program.folder.url("logs/tiny/version_0/report.html"), encoding: .utf8)
        let command = "lam fit --config config.yaml --seed_everything true --model.optimizer.init_args.lr 0.003"
        for part in [command, "toto_push_lf_v21: 100 %", "<td>processor</td>", "lr: 0.003"] {
            #expect(html.contains(part), "\(part)")
        }
    }

    private static let browser = ["chromium", "chromium-browser", "google-chrome"].lazy.compactMap { name in
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }.first

    @Test("a browser shows the page with its curves and pictures", .enabled(if: browser != nil, "needs Chromium"))
    func screenshot() throws {
        let program = try LamProgram()
        #expect(try program.fit("--trainer.max_steps", "12").status == 0)
        #expect(try program.run("report", "logs/tiny", "-o", "page.html").status == 0)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Self.browser))
        process.arguments = [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--user-data-dir=\(program.folder.path("profile"))", "--window-size=1000,4000",
            "--screenshot=\(program.folder.path("page.png"))", program.folder.url("page.html").absoluteString,
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        let picture = try PNGImage(png: [UInt8](Data(contentsOf: program.folder.url("page.png"))))
        #expect(picture.width == 1000 && picture.height == 4000)
        var colors: [UInt32: Int] = [:]
        for pixel in 0..<picture.width * picture.height {
            let parts = picture.pixels[3 * pixel..<3 * pixel + 3]
            colors[parts.reduce(0) { $0 << 8 | UInt32($1) }, default: 0] += 1
        }
        // Curves in their colour, dark text on a white page, and frames of a video, which have many colours.
        #expect(colors[0x1F6FB4, default: 0] > 500)
        #expect(colors[0xFFFFFF, default: 0] > 1_000_000 && colors[0x000000, default: 0] > 500)
        #expect(colors.count > 3_000, "\(colors.count) colours")
    }
}
