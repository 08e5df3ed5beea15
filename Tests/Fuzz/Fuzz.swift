import Foundation
import TestSupport

/// Reads damaged files in one process, as many as are asked for: `Fuzz KIND COUNT SEED FOLDER`.
///
/// Each is a file of `Tests/Goldens` with one to six edits, most of them where its structure lies. What is read must be values or
/// an error with words, in less than 20 seconds. A crash ends the process and leaves the file in `FOLDER`. Prints a line with what
/// was tried; ends with 1 where something took too long, with 2 for a wrong call.
@main
enum Fuzz {
    private static let longest = 20.0

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5, let target = FuzzTarget.all.first(where: { $0.name == arguments[1] }),
            let count = Int(arguments[2]), let seed = UInt64(arguments[3])
        else {
            print("usage: Fuzz \(FuzzTarget.all.map(\.name).joined(separator: "|")) COUNT SEED FOLDER")
            exit(2)
        }
        let originals = try target.files.map { try [UInt8](Data(contentsOf: Goldens.url($0))) }
        var mutator = Mutator(seed: seed, vocabulary: target.vocabulary)
        var (readable, slow) = (0, 0)
        var worst = 0.0
        for round in 0..<count {
            let original = originals[round % originals.count]
            let path = "\(arguments[4])/\(target.name)-\(seed)"
            try? FileManager.default.removeItem(atPath: path)
            try Data(mutator.mutate(original, hot: target.hot(original, round))).write(to: URL(fileURLWithPath: path))
            let start = ContinuousClock.now
            do {
                try target.read(path)
                readable += 1
            } catch {
                precondition(!"\(error)".isEmpty, "an error without words")
            }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            worst = max(worst, seconds)
            guard seconds > longest else { continue }
            slow += 1
            try? FileManager.default.copyItem(atPath: path, toPath: "\(path)-slow-\(round)")
        }
        try? FileManager.default.removeItem(atPath: "\(arguments[4])/\(target.name)-\(seed)")
        let slowest = String(format: "%.2f", worst)
        print(
            "\(target.name) tried \(count), readable \(readable), slower than \(Int(longest)) s \(slow), slowest \(slowest) s"
        )
        exit(slow == 0 ? 0 : 1)
    }
}
