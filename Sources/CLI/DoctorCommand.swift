import ArgumentParser
import Doctor
import Foundation

/// `lam doctor`: what is wrong with a machine, as far as training goes.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Looks at what training needs of this machine and says what to do.",
        discussion: """
            One line for each part, ok, warning or broken, with the remedy: processor, arithmetic, memory, libraries, \
            decoders, accelerators, MPI, hub, log folder. Exits with 1 where training would fail.
            """)

    @Option(help: "The folder that runs are to write to.", transform: PathArgument.read)
    var logs = "logs"

    @Flag(help: "Print one JSON object.")
    var json = false

    /// What `--json` prints.
    private struct Output: Encodable {
        let findings: [Finding]
        let isFit: Bool

        enum CodingKeys: String, CodingKey {
            case findings
            case isFit = "training_works"
        }
    }

    func run() throws {
        let checkup = Checkup(
            environment: ProcessInfo.processInfo.environment, logFolder: logs, threads: Threads.fromEnvironment)
        let findings = checkup.run { if !json { print($0.text) } }
        let isFit = !findings.contains { $0.verdict == .broken }
        if json {
            try Console.printJSON(Output(findings: findings, isFit: isFit), [.prettyPrinted, .withoutEscapingSlashes])
        }
        if !isFit { throw ExitCode.failure }
    }
}
