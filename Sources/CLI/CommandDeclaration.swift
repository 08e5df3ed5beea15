import ArgumentParser
import Foundation

/// A command as ArgumentParser describes it: what help, spelling and the manual are made of.
struct CommandDeclaration: Decodable {
    struct Argument: Decodable {
        struct Name: Decodable {
            /// `long`, `short` or `longWithSingleDash`.
            let kind: String
            let name: String
        }

        /// `positional`, `option` or `flag`.
        let kind: String
        let shouldDisplay: Bool
        let isOptional: Bool
        let isRepeating: Bool
        let names: [Name]?
        let valueName: String?
        let defaultValue: String?
        let allValues: [String]?
        let abstract: String?
    }

    let commandName: String
    let shouldDisplay: Bool
    let abstract: String?
    let discussion: String?
    let subcommands: [CommandDeclaration]?
    let arguments: [Argument]?

    /// The program with all its commands.
    static func program() throws -> CommandDeclaration {
        struct Dump: Decodable { let command: CommandDeclaration }
        return try JSONDecoder().decode(Dump.self, from: Data(Lam._dumpHelp().utf8)).command
    }
}
