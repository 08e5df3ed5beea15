/// Several loggers as one.
public final class LoggerGroup: MetricsLogger {
    private let loggers: [any MetricsLogger]

    public init(_ loggers: [any MetricsLogger]) { self.loggers = loggers }

    /// The first logger's folder, which checkpoints without one of their own go to; empty without loggers.
    public var directory: String { loggers.first?.directory ?? "" }

    public func log(step: Int, values: [(tag: String, value: Double)]) throws {
        for logger in loggers { try logger.log(step: step, values: values) }
    }

    public func image(step: Int, tag: String, png: [UInt8]) throws {
        for logger in loggers { try logger.image(step: step, tag: tag, png: png) }
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
