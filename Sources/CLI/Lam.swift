import ArgumentParser

@main
struct Lam: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lam", abstract: "Trains latent action models on robot video.",
        subcommands: [ParityCommand.self, BenchCommand.self])
}
