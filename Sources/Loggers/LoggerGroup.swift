import Configuration
import Formats

/// Several loggers as one.
public final class LoggerGroup: MetricsLogger {
    private let loggers: [any MetricsLogger]

    public init(_ loggers: [any MetricsLogger]) { self.loggers = loggers }

    /// Starts the records that a configuration asks for, each with `metrics.jsonl` in its run's folder.
    ///
    /// - Parameter environment: the process's variables, which say where some stores are.
    /// - Throws: `LoggerError` or `FormatError`.
    public static func open(
        for configuration: LAMConfiguration, environment: [String: String] = [:]
    ) throws -> LoggerGroup {
        let start = LoggerStart(
            defaultRoot: configuration.trainer.defaultRootDir ?? ".", hyperParameters: configuration.hyperParameters,
            environment: environment)
        let loggers = try configuration.trainer.loggers.flatMap { settings -> [any MetricsLogger] in
            guard let settings = settings as? any OpenableLogger else {
                preconditionFailure("\(type(of: settings)) is no OpenableLogger")
            }
            let logger = try settings.open(start)
            return [logger, try JSONLinesLogger(directory: logger.directory)]
        }
        return LoggerGroup(loggers)
    }

    /// The first logger's folder, which checkpoints without one of their own go to; empty without loggers.
    public var directory: String { loggers.first?.directory ?? "" }

    public var reading: LogReading? { nil }
    /// How each of the records is looked at.
    public var readings: [LogReading] { loggers.compactMap(\.reading) }

    public func log(step: Int, values: [(tag: String, value: Double)]) throws {
        for logger in loggers { try logger.log(step: step, values: values) }
    }

    public func image(step: Int, tag: String, _ image: PNGImage) throws {
        for logger in loggers { try logger.image(step: step, tag: tag, image) }
    }

    public func histogram(step: Int, tag: String, counts: [Double]) throws {
        for logger in loggers { try logger.histogram(step: step, tag: tag, counts: counts) }
    }

    /// Closes all of them, also where one fails, and then throws the first failure.
    public func close() throws {
        let failures = loggers.compactMap { logger in
            do {
                try logger.close()
                return nil as (any Error)?
            } catch {
                return error
            }
        }
        if let failure = failures.first { throw failure }
    }
}
