import Foundation

/// The terminal, or what stands in for it.
enum Console {
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }

    /// Columns; 80 where nobody says.
    static var width: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes text to standard output at once.
    @Sendable static func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }

    /// Writes a line to standard error.
    static func error(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }

    /// Prints a value as JSON with sorted keys.
    static func printJSON(_ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting = []) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting.union(.sortedKeys)
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}
