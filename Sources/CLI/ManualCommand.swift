import ArgumentParser
import Configuration

/// `lam manual`: the manual page, made from the declarations of commands and configuration keys.
struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual", abstract: "Prints the manual page of all commands and configuration keys.",
        discussion: "For man: lam manual > lam.1; man ./lam.1")

    func run() throws { print(ManualPage(program: try CommandDeclaration.program()).text, terminator: "") }
}

/// A manual page in the man macros of roff.
struct ManualPage {
    let program: CommandDeclaration

    var text: String {
        var lines = [
            ".TH LAM 1 \"\" \"lam \(Version.text)\" \"User Commands\"", ".SH NAME",
            "lam \\- " + Self.plain(program.abstract ?? ""), ".SH SYNOPSIS", ".B lam", ".I command",
            "[\\fIoptions\\fR]",
            ".SH COMMANDS",
        ]
        for command in program.subcommands ?? [] { lines += Self.lines(command, named: "lam " + command.commandName) }
        lines += [
            ".SH CONFIGURATION",
            "Keys of the YAML files and options of \\fBfit\\fR, \\fBvalidate\\fR, \\fBtest\\fR and \\fBpredict\\fR.",
        ]
        for option in ConfigurationReference.options {
            lines += [
                ".TP", ".B \\-\\-" + Self.plain(option.name), Self.line("\(option.type) (default: \(option.default))"),
            ]
            lines += [".br", Self.line(option.summary)]
        }
        lines += [".SH EXIT STATUS"]
        for (code, meaning) in [
            ("0", "done"), ("1", "the run or its output failed"), ("2", "wrong use or configuration"),
            ("3", "bad data"),
            ("128 + signal", "ended by a signal, with a checkpoint"),
        ] { lines += [".TP", ".B " + code, meaning] }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func lines(_ command: CommandDeclaration, named name: String) -> [String] {
        guard command.shouldDisplay, command.commandName != "help" else { return [] }
        var lines = [".SS " + plain(name), line(command.abstract ?? "")]
        for paragraph in (command.discussion ?? "").split(separator: "\n\n") {
            lines += [".PP", line(paragraph.replacing("\n", with: " "))]
        }
        for argument in command.arguments ?? [] where argument.shouldDisplay {
            lines += [".TP", ".B " + plain(spelled(argument)), line(text(of: argument))]
        }
        return lines + (command.subcommands ?? []).flatMap { Self.lines($0, named: "\(name) \($0.commandName)") }
    }

    private static func spelled(_ argument: CommandDeclaration.Argument) -> String {
        let value = "<\(argument.valueName ?? "value")>"
        guard argument.kind != "positional" else { return value + (argument.isRepeating ? " ..." : "") }
        let names = (argument.names ?? []).map { ($0.kind == "long" ? "--" : "-") + $0.name }.joined(separator: ", ")
        return argument.kind == "flag" ? names : "\(names) \(value)"
    }

    private static func text(of argument: CommandDeclaration.Argument) -> String {
        let choices = argument.allValues.map { " One of \($0.joined(separator: ", "))." } ?? ""
        return (argument.abstract ?? "") + choices + (argument.defaultValue.map { " Default: \($0)." } ?? "")
    }

    /// A line of text, which must not begin as a macro does.
    private static func line(_ text: some StringProtocol) -> String {
        let plain = plain(text)
        return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
    }

    private static func plain(_ text: some StringProtocol) -> String {
        String(text).replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("\n", with: " ")
    }
}
