/// A look at everything that training needs of a machine, in a few seconds.
public struct Checkup: Sendable {
    private let environment: [String: String]
    private let logFolder: String
    private let threads: Int?

    /// - Parameters:
    ///   - environment: the process's variables.
    ///   - logFolder: where runs would write; it need not be there yet.
    ///   - threads: of the arithmetic; nil for the CPUs that the process may use.
    public init(environment: [String: String], logFolder: String, threads: Int?) {
        (self.environment, self.logFolder, self.threads) = (environment, logFolder, threads)
    }

    /// Looks at one part after the other; `tell` gets each finding when it is there.
    public func run(tell: (Finding) -> Void) -> [Finding] {
        let parts: [() -> [Finding]] = [
            { ProcessorCheck(threads: threads, environment: environment).findings() },
            { MemoryCheck.findings() },
            { LibraryCheck.findings() },
            { DecoderCheck.findings() },
            { AcceleratorCheck(environment: environment).findings() },
            { LaunchCheck(environment: environment).findings() },
            { HubCheck(environment: environment).findings() },
            { DiskCheck.findings(logFolder: logFolder) },
        ]
        return parts.flatMap { part in
            let findings = part()
            for finding in findings { tell(finding) }
            return findings
        }
    }
}
