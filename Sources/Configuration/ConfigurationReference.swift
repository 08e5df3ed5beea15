/// The list of all options, for people: written from the schema, so that it cannot lag behind.
public enum ConfigurationReference {
    /// One Markdown table per section, as in `docs/configuration.md`.
    public static func markdown() -> String {
        let rows = LAMConfiguration.nestedOptions.filter { !$0.isSection }
        let sections = ["", "model", "data", "trainer"]
        return sections.map { section in
            let own = rows.filter { $0.section == section }
            let title = section.isEmpty ? "Top level" : "`\(section)`"
            let head =
                "### \(title)\n\n| key | type | default | meaning | compared with the original |\n"
                + "| --- | --- | --- | --- | --- |\n"
            return head + own.map(line).joined()
        }.joined(separator: "\n")
    }

    /// The options as `lam fit --help` prints them.
    public static func helpText() -> String {
        options.map { option in
            "  --\(option.name): \(option.type) (default: \(option.default))\n        \(option.summary)\n"
        }.joined()
    }

    /// All options in words: the name as arguments have it, which values it takes, its default, and what it means.
    package static var options: [(name: String, type: String, default: String, summary: String)] {
        LAMConfiguration.nestedOptions.filter { !$0.isSection && $0.path != "model.optimizer" }.map {
            ($0.path, $0.type, shown($0.default), $0.summary)
        }
    }

    private static func line(_ option: OptionDocumentation) -> String {
        let key = ([option.path] + option.aliases.map { alias in option.section + "." + alias })
            .map { "`\($0)`" }.joined(separator: ", also ")
        return "| \(key) | \(option.type) | `\(shown(option.default))` | \(option.summary) | \(option.difference) |\n"
    }

    /// Objects and lists of them have their own rows.
    private static func shown(_ value: ConfigValue) -> String {
        switch value {
        case .map(let entries): entries["class_path"]?.inline ?? "see below"
        case .list(let items) where items.contains { $0["class_path"] != nil }:
            "[" + items.map { $0["class_path"]?.inline ?? "" }.joined(separator: ", ") + "]"
        case .string(""): "\"\""
        default: value.inline
        }
    }
}

extension OptionDocumentation {
    /// The section that the key belongs to; empty at the top level.
    var section: String { path.contains(".") ? String(path.prefix { $0 != "." }) : "" }
}
