import Formats
import Foundation

/// What the arguments of `lam fit` ask for.
public struct ParsedFit: Sendable {
    /// How `--print_config` was asked for.
    public enum PrintConfig: Sendable, Equatable {
        case all
        case skipDefault
    }

    public var configuration: LAMConfiguration
    /// `--ckpt_path`, or the files' `ckpt_path`.
    public var ckptPath: String?
    /// Print the configuration and end, where present.
    public var printConfig: PrintConfig?
    /// One line per option that is understood but has no effect.
    public var notices: [ConfigurationNotice]
    /// Where values were written.
    public var context: ConfigContext
}

/// Reads LightningCLI's argument forms: `--config FILE` as often as needed, `--section.key value`,
/// `--section.key=value`, `--section.key+=value`, `--print_config[=skip_default]`; later ones win.
public enum FitArguments {
    /// What a configuration file may hold at most.
    static let fileSizeLimit = 1 << 20

    /// Reads the arguments after `lam fit` and the files they name.
    ///
    /// - Parameter saved: the options of the checkpoint at a path, for commands to which those stand in for what is not given;
    ///   nil where it has none.
    /// - Throws: `ConfigurationError`; what `saved` throws.
    public static func parse(
        arguments: [String], saved: ((_ checkpoint: String) throws -> SavedOptions?)? = nil
    ) throws -> ParsedFit {
        var document = YAMLNode(.mapping([]), at: .schemaDefault)
        var printConfig: ParsedFit.PrintConfig?
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--print_config" {
                printConfig = .all
                continue
            }
            let option = try Option(argument, rest: &rest)
            switch option.name {
            case "--config", "-c":
                document = document.overlaid(with: try composeFile(option.value))
            case "--print_config":
                switch option.value {
                case "": printConfig = .all
                case "skip_default": printConfig = .skipDefault
                default:
                    throw ConfigurationError.usage(
                        argument: argument, problem: "expected --print_config or --print_config=skip_default")
                }
            default:
                document = try option.applied(to: document)
            }
        }
        if let saved, case .string(let path)? = document["ckpt_path"]?.value, !["last", "best"].contains(path),
            let options = try saved(HomeFolder.expanding(path))
        {
            document = try options.below(document)
        }
        let (configuration, context) = try LAMConfiguration.read(document)
        return ParsedFit(
            configuration: configuration, ckptPath: configuration.ckptPath, printConfig: printConfig,
            notices: context.notices, context: context)
    }

    /// The node tree of one file.
    static func composeFile(_ path: String) throws -> YAMLNode {
        let path = HomeFolder.expanding(path)
        let bytes: [UInt8]
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            var content = Data()
            while content.count <= fileSizeLimit,
                let chunk = try file.read(upToCount: fileSizeLimit + 1 - content.count), !chunk.isEmpty
            {
                content += chunk
            }
            bytes = Array(content)
        } catch {
            throw ConfigurationError.unreadableFile(path: path, reason: reason(error))
        }
        guard bytes.count <= fileSizeLimit else {
            throw ConfigurationError.fileTooLarge(path: path, limitBytes: fileSizeLimit)
        }
        let node = try YAMLComposer.compose(bytes, source: .file(path))
        if node.isNull { return YAMLNode(.mapping([]), at: node.location) }
        guard case .mapping = node.content else {
            throw ConfigNode(node).invalid("config", expected: "a mapping with the keys model, data and trainer")
        }
        return node
    }

    private static func reason(_ error: any Error) -> String {
        let cocoa = error as NSError
        if let posix = cocoa.userInfo[NSUnderlyingErrorKey] as? NSError, posix.domain == NSPOSIXErrorDomain {
            return String(cString: strerror(Int32(posix.code)))
        }
        return cocoa.code == CocoaError.fileReadNoSuchFile.rawValue ? "no such file" : cocoa.localizedDescription
    }
}

extension FitArguments {
    /// One `--name value` of the command line.
    struct Option {
        let name: String
        let value: String
        let isAppending: Bool

        /// Splits `argument`, taking its value from `rest` where it has none of its own.
        init(_ argument: String, rest: inout ArraySlice<String>) throws {
            guard argument.hasPrefix("--") || argument == "-c", argument != "--" else {
                throw ConfigurationError.usage(
                    argument: argument, problem: "expected an option such as --config FILE or --trainer.max_steps 10")
            }
            if let equals = argument.firstIndex(of: "=") {
                let left = argument[..<equals]
                isAppending = left.hasSuffix("+")
                name = String(isAppending ? left.dropLast() : left)
                value = String(argument[argument.index(after: equals)...])
                return
            }
            isAppending = argument.hasSuffix("+")
            name = isAppending ? String(argument.dropLast()) : argument
            if let next = rest.first, !next.hasPrefix("--") {
                value = next
                rest = rest.dropFirst()
            } else if FitArguments.isSwitch(name) {
                value = "true"
            } else {
                throw ConfigurationError.usage(argument: argument, problem: "expected a value after it")
            }
        }

        /// The document with this option laid over it.
        func applied(to document: YAMLNode) throws -> YAMLNode {
            let location = ConfigLocation.argument(name: name)
            let keys = name.dropFirst(2).split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            // Deeper keys than any option has would only make deep trees.
            guard keys.count <= 16, !keys.contains("") else {
                throw ConfigurationError.usage(argument: name, problem: "expected keys with single dots between them")
            }
            var node = parsedValue(at: location)
            if isAppending { return document.appending(node, at: keys[...], keyLocation: location) }
            for key in keys.reversed() {
                node = YAMLNode(.mapping([.init(key: key, keyLocation: location, value: node)]), at: location)
            }
            return document.overlaid(with: node)
        }

        /// The value as YAML; text that is no YAML is text.
        private func parsedValue(at location: ConfigLocation) -> YAMLNode {
            let text = YAMLNode(.scalar(value, isPlain: false), at: location)
            var node = (try? YAMLComposer.compose(value, source: .argument(name))) ?? text
            // `#1` alone is a comment to YAML, but nobody writes a comment as an argument.
            if node.isNull, !value.isEmpty, YAMLScalar.resolve(value) != .null { node = text }
            node.argumentText = value
            return node
        }
    }

    /// Whether the option may stand without a value.
    private static func isSwitch(_ name: String) -> Bool {
        LAMConfiguration.nestedOptions.contains {
            "--" + $0.path == name && ($0.type == Bool.typeDescription || $0.type == FastDevRun.typeDescription)
        }
    }
}
