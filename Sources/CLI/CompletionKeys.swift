import Configuration

/// Configuration keys in the completion scripts, which ArgumentParser makes of the commands' own options alone.
enum CompletionKeys {
    /// Commands that take keys.
    private static let commands = ["fit", "validate", "test", "predict", "estimate"]

    /// The script with `--config`, `--ckpt_path` and all dotted keys as options of the commands that take them.
    static func added(to script: String) -> String {
        let own = [
            (name: "config", summary: "A YAML file of keys; may be repeated."),
            (name: "ckpt_path", summary: "A checkpoint: last, best or a path."),
        ]
        let keys = own + ConfigurationReference.options.map { (name: $0.name, summary: $0.summary) }
        var lines: [String] = []
        /// The command whose part of the script this is.
        var command: String?
        for line in script.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if let begun = commands.first(where: { line == "_lam_\($0)() {" || line == "        case '\($0)'" }) {
                command = begun
            }
            guard command != nil else {
                lines.append(line)
                continue
            }
            switch line.trimmingPrefix(while: \.isWhitespace) {
            case let bash where bash.hasPrefix("repeating_options=("):
                lines.append(String(line.dropLast()) + keys.map { " --\($0.name)" }.joined() + ")")
                command = nil
            case "local -ar arg_specs=(":
                lines.append(line)
                lines += keys.map { "        '*--\($0.name)[\(plain($0.summary))]:value:_files'" }
                command = nil
            case let fish where fish.hasPrefix("__lam_parse_subcommand "):
                lines.append(line + keys.map { " '\($0.name)=+'" }.joined())
                command = nil
            default: lines.append(line)
            }
        }
        if script.contains("complete -c 'lam'") {
            lines += commands.flatMap { command in
                keys.map { key in
                    "complete -c 'lam' -n '__lam_should_offer_completions_for_flags_or_options \"lam \(command)\"' "
                        + "-l '\(key.name)' -d '\(plain(key.summary))' -r"
                }
            }
        }
        return lines.joined(separator: "\n")
    }

    /// A text without what shells' own descriptions give a meaning to.
    private static func plain(_ text: String) -> String {
        String(text.map { "'[]:\\`$\"\n".contains($0) ? " " : $0 })
    }
}
