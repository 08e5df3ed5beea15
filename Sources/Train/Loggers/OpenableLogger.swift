import Configuration
import Foundation

/// What a logger may know of the run when it starts.
struct LoggerStart {
    /// `trainer.default_root_dir`, or the current folder.
    let defaultRoot: String
    let hyperParameters: ConfigValue
    /// The process's variables.
    let environment: [String: String]
    var now = Date()
}

/// Settings whose logger is in this module. Every kind in `LoggerList.kinds` is one, which a test makes sure of.
protocol OpenableLogger: LoggerConfiguration {
    /// The folder that holds runs' folders, in which checkpoints are looked for.
    func runsFolder(_ start: LoggerStart) -> String
    /// Starts the record of a run.
    /// - Throws: `LoggerError` or `FormatError` when the disk does not take it.
    func open(_ start: LoggerStart) throws -> any MetricsLogger
}
