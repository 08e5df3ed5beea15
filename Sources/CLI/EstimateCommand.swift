import ArgumentParser
import Configuration
import DataCore
import Foundation
import LAMTrain
import Planning
import Reports

/// `lam estimate`: what a run would take, measured by some of its steps.
struct EstimateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "estimate", abstract: "Measures some steps of a run and says what all of it would take.",
        usage: "lam estimate --config FILE [--section.key value ...] [--seconds 20] [--accelerator h100] [--json]",
        discussion: """
            Takes the arguments of `lam fit`. Trains for at most --seconds, here and now, throws the result away and \
            writes nothing. With --accelerator, also says what 1 to 8 of these would take, by their makers' figures \
            and the share of them that --share assumes: a plan, not a measurement.
            """)

    @Option(help: "Seconds that the measurement may take, opening of data and model included.")
    var seconds = 20.0

    @Option(
        help: ArgumentHelp(
            "Plan for these, too: \(NamedAccelerator.all.map(\.name).joined(separator: ", ")).", valueName: "name"))
    var accelerator: [String] = []

    @Option(help: "Share of an accelerator's peak rate that is assumed.")
    var share = 0.3

    @Flag(help: "Print one JSON object.")
    var json = false

    @Argument(
        parsing: .allUnrecognized, help: ArgumentHelp("The arguments of `lam fit`.", valueName: "fit-arguments"))
    var fitArguments: [String] = []

    /// What `--json` prints.
    private struct Output: Encodable {
        let run: RunCost
        let accelerators: [NamedAccelerator.Projection]
    }

    private static let counts = [1, 2, 4, 8]

    func validate() throws {
        guard seconds > 0, seconds <= 3600 else {
            throw ValidationError("--seconds: expected a number above 0, up to 3600, got \(seconds)")
        }
        guard share > 0, share <= 1 else {
            throw ValidationError("--share: expected a number above 0, up to 1, got \(share)")
        }
        let known = NamedAccelerator.all.map(\.name)
        for name in accelerator where !known.contains(name.lowercased()) {
            let nearest = NearestName.find(name.lowercased(), in: known).map { "; did you mean \($0)?" } ?? ""
            throw ValidationError("--accelerator: expected \(known.joined(separator: ", ")), got \(name)\(nearest)")
        }
    }

    func run() throws {
        do {
            let fit = try FitArguments.parse(arguments: fitArguments)
            guard fit.ckptPath == nil else {
                throw ConfigurationError.usage(
                    argument: "--ckpt_path", problem: "a run is estimated from its first step; leave it out")
            }
            let note: (String) -> Void = { Console.error("note: \($0)") }
            for notice in fit.notices { note("\(notice)") }
            let locate = { fit.context.location(of: $0) }
            try fit.configuration.requireRunnable(locate: locate)
            let cost = try RunEstimator(
                fit.configuration, environment: ProcessInfo.processInfo.environment, threads: Threads.fromEnvironment,
                note: note
            ).measure(budget: seconds)
            let isMixed = fit.configuration.trainer.precision != .full32
            let named = accelerator.flatMap { name in NamedAccelerator.all.filter { $0.name == name.lowercased() } }
            let projections = named.flatMap { kind in
                Self.counts.map { kind.projection(of: cost, count: $0, isMixed: isMixed, share: share) }
            }
            if json { return try Console.printJSON(Output(run: cost, accelerators: projections), [.prettyPrinted]) }
            print(cost.text)
            guard !projections.isEmpty else { return }
            print("planned, at \((100 * share).formatted4) % of the makers' peak rates, which is an assumption:")
            for projection in projections { print("  " + projection.text) }
        } catch {
            Console.error("error: \(error)")
            throw ExitStatus.code(for: error)
        }
    }
}
