import DataCore
import Foundation

/// Reads a command line as it was meant: `lam help fit` is `lam fit --help`, words are joined by `-` or `_`, and for a
/// command that there is none of the nearest one is named.
enum CommandLineSpelling {
    /// A name that is no command's.
    struct UnknownCommand: Error, CustomStringConvertible {
        let name: String
        let known: [String]

        var description: String {
            "unknown command: \(name): expected one of \(known.joined(separator: ", "))"
                + NearestName.hint(name, in: known)
        }
    }

    /// - Throws: `UnknownCommand`.
    static func read(_ arguments: [String]) throws -> [String] {
        var arguments = arguments
        if arguments.first == "help" { arguments = Array(arguments.dropFirst().filter { $0 != "--help" }) + ["--help"] }
        guard let first = arguments.first, !first.hasPrefix("-") else { return arguments }
        var command = try CommandDeclaration.program()
        var place = 0
        // Commands come first, those of a command behind it.
        while let subcommands = command.subcommands, !subcommands.isEmpty, place < arguments.count,
            !arguments[place].hasPrefix("-")
        {
            let name = arguments[place]
            guard let found = subcommands.first(where: { isSame($0.commandName, name) }) else {
                throw UnknownCommand(
                    name: name,
                    known: subcommands.filter { $0.shouldDisplay && $0.commandName != "help" }.map(\.commandName))
            }
            arguments[place] = found.commandName
            (command, place) = (found, place + 1)
        }
        let names = (command.arguments ?? []).flatMap { $0.names ?? [] }.filter { $0.kind == "long" }.map(\.name)
        for place in arguments.indices.dropFirst(place) where arguments[place].hasPrefix("--") {
            let written = arguments[place].dropFirst(2).prefix { $0 != "=" }
            if let name = names.first(where: { isSame($0, written) }) {
                arguments[place] = "--" + name + arguments[place][written.endIndex...]
            }
        }
        return arguments
    }

    private static func isSame(_ name: String, _ written: some StringProtocol) -> Bool {
        [("_", "-"), ("-", "_")].contains { name == String(written).replacing($0.0, with: $0.1) }
    }
}
