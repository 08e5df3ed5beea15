import Foundation

/// The values that a run has logged, read back from `metrics.jsonl`.
public struct RunLog: Sendable {
    /// One tag's values in the order of steps.
    public struct Series: Sendable, Equatable {
        public var steps: [Int] = []
        public var values: [Double] = []
    }

    /// The record's name in the run's folder.
    public static let fileName = "metrics.jsonl"
    /// The tag of the codes' uses, whose value is a list of numbers.
    public static let codeUsesTag = "codes/uses"

    /// What a value was measured in.
    enum Phase: String {
        case train, val

        fileprivate var errorTag: String { "\(rawValue)/mse_loss" + suffix }
        fileprivate var copyTag: String { "\(rawValue)/copy_baseline" + suffix }
        /// Lightning's, of values of a training step.
        private var suffix: String { self == .train ? "_step" : "" }
    }

    /// The tag of a value that is worked out from two others: the error as a share of predicting that nothing changes.
    static func errorShareTag(_ phase: Phase) -> String { "\(phase.rawValue) error ÷ copy" }

    /// Folder of the run.
    public let directory: String
    /// Finite numbers by tag.
    public let series: [String: Series]
    /// Uses of each code by step, in the order of steps.
    public let codeUses: [(step: Int, counts: [Double])]

    /// A larger file is no run's record.
    private static let sizeLimit = 1 << 30

    /// Reads the record of a run. Lines that are not whole, as the last one of a run under way may be, are passed over.
    ///
    /// - Parameter path: the run's folder, or one with folders `version_N`, of which the newest counts.
    /// - Throws: `ReportError`.
    public init(path: String) throws {
        directory = try Self.directory(path)
        let file = "\(directory)/\(Self.fileName)"
        let content: Data
        do {
            let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
            guard size <= Self.sizeLimit else {
                throw ReportError.unreadable(
                    path: file, reason: "expected at most \(Self.sizeLimit) bytes, got \(size)")
            }
            content = try Data(contentsOf: URL(fileURLWithPath: file), options: .mappedIfSafe)
        } catch let error as ReportError {
            throw error
        } catch {
            throw ReportError.unreadable(path: file, reason: error.localizedDescription)
        }
        // A step that a run repeats after it went on counts once, with its last value.
        var byTag: [String: [Int: Double]] = [:]
        var uses: [Int: [Double]] = [:]
        for line in content.split(separator: 0x0A) {
            guard let object = try? JSONSerialization.jsonObject(with: line) as? [String: Any],
                let step = (object["step"] as? NSNumber).flatMap({ Int(exactly: $0.doubleValue) }), step >= 0
            else { continue }
            for (tag, value) in object where tag != "step" && tag != "time" {
                if let number = value as? NSNumber, number.doubleValue.isFinite {
                    byTag[tag, default: [:]][step] = number.doubleValue
                } else if tag == Self.codeUsesTag, let counts = value as? [NSNumber] {
                    uses[step] = counts.map(\.doubleValue)
                }
            }
        }
        for phase in [Phase.train, .val] {
            guard let error = byTag[phase.errorTag], let copy = byTag[phase.copyTag] else { continue }
            let shares = error.compactMap { step, value in
                copy[step].flatMap { $0 > 0 && (value / $0).isFinite ? (step, value / $0) : nil }
            }
            if !shares.isEmpty { byTag[Self.errorShareTag(phase)] = Dictionary(uniqueKeysWithValues: shares) }
        }
        series = byTag.mapValues { values in
            let steps = values.keys.sorted()
            return Series(steps: steps, values: steps.compactMap { values[$0] })
        }
        // Runs of several codebook sizes do not share a record; the last one's counts.
        let codes = uses.max { $0.key < $1.key }?.value.count ?? 0
        codeUses = uses.filter { $0.value.count == codes }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        guard !series.isEmpty else { throw ReportError.noValues(path: file) }
    }

    /// `lam_training/version_3` of a run's folder.
    public var name: String {
        let parts = URL(fileURLWithPath: directory).standardizedFileURL.pathComponents
        return parts.suffix(2).joined(separator: "/")
    }

    /// The run's own folder: of versions the newest that trained, as evaluations have versions of their own; the newest of
    /// all where none did.
    private static func directory(_ path: String) throws -> String {
        func hasRecord(_ folder: String) -> Bool {
            FileManager.default.fileExists(atPath: "\(folder)/\(Self.fileName)")
        }
        if hasRecord(path) { return path }
        let newest = RunVersion.newest(in: path)
        guard newest >= 0 else { throw ReportError.noRun(path: path) }
        let recorded = (0...newest).reversed().lazy.map { "\(path)/version_\($0)" }.filter(hasRecord)
        guard let found = recorded.first(where: { !RunVersion.isEvaluation($0) }) ?? recorded.first else {
            throw ReportError.noRun(path: path)
        }
        return found
    }
}
