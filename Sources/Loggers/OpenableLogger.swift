import Configuration
import Foundation

/// What a logger may know of the run when it starts.
package struct LoggerStart {
    /// `trainer.default_root_dir`, or the current folder.
    package let defaultRoot: String
    package let hyperParameters: ConfigValue
    /// The process's variables.
    package let environment: [String: String]
    package let now: Date

    package init(
        defaultRoot: String, hyperParameters: ConfigValue, environment: [String: String], now: Date = Date()
    ) {
        (self.defaultRoot, self.hyperParameters, self.environment) = (defaultRoot, hyperParameters, environment)
        self.now = now
    }
}

/// Settings whose logger is in this module. Every kind in `LoggerList.kinds` is one, which a test makes sure of.
package protocol OpenableLogger: LoggerConfiguration {
    /// The folder that holds runs' folders, in which checkpoints are looked for.
    func runsFolder(_ start: LoggerStart) -> String
    /// Starts the record of a run.
    /// - Throws: `LoggerError` or `FormatError` when the disk does not take it.
    func open(_ start: LoggerStart) throws -> any MetricsLogger
}
