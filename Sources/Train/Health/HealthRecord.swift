import LAM

/// What a run remembers of its codes and losses between two verdicts. Part of every checkpoint, so that a run that goes
/// on says what it would have said.
public struct HealthRecord: Codable, Sendable, Equatable {
    /// The optimiser step, from 1, that used each code last; 0 for one that none has used.
    public private(set) var lastUsed: [Int]
    /// Codes restarted since the run began.
    public private(set) var restarts = 0
    /// For each code how many steps must still use it before it counts, unless it outlives the next restarts; nil while none was
    /// restarted. A restarted code lies where some latent was, so the next pairs choose it, whatever becomes of it then.
    private var probation: [Int]?
    /// Since the last verdict: uses of each code, and sums over samples.
    private(set) var counts: [Double]
    /// Since the last verdict: how much continuous latents vary.
    private(set) var spread: LatentSpread?
    private var samples = 0.0
    private var mse = 0.0
    private var baseline = 0.0
    /// The last verdict's error as a share of the copy baseline's.
    private(set) var lastShare: Double?
    /// What the last verdict warned of, but for what depends on the time that steps take.
    private var warnings: [String] = []
    private var isWaiting = false

    private enum CodingKeys: CodingKey {
        case lastUsed, restarts, probation, counts, spread, samples, mse, baseline, lastShare, warnings
    }

    /// Steps that must use a restarted code before it counts as one of those in use.
    package static let stepsOfProbation = 10

    /// - Parameters:
    ///   - codes: 0 for latents that are continuous.
    ///   - dimensions: numbers in the latents of a pair; 0 for codes.
    package init(codes: Int, dimensions: Int = 0) {
        spread = dimensions > 0 ? LatentSpread(dimensions: dimensions) : nil
        lastUsed = [Int](repeating: 0, count: codes)
        counts = [Double](repeating: 0, count: codes)
    }

    /// Of the kind of latents that a run is judged by.
    init(of action: LatentPart) {
        self.init(codes: action.bottleneck.codeCount ?? 0, dimensions: action.spread()?.dimensions ?? 0)
    }

    /// Whether a run may go on from these numbers, which come from a file.
    func isSane(of action: LatentPart, step: Int) -> Bool {
        let (codes, dimensions) = (action.bottleneck.codeCount ?? 0, action.spread()?.dimensions ?? 0)
        return (spread.map { $0.sums.count == dimensions && $0.squares.count == dimensions } ?? (dimensions == 0))
            && lastUsed.count == codes && counts.count == codes && lastUsed.allSatisfy((0...step).contains)
            && (0...(1 << 53)).contains(restarts)
            && probation.map { $0.count == codes && $0.allSatisfy((0...Self.stepsOfProbation).contains) } ?? true
    }

    /// Adds one batch of an optimiser step, the sums of all ranks.
    mutating func add(_ batch: BatchStatistics, step: Int) {
        add(
            counts: batch.codes.first?.counts ?? [], mse: batch.losses.reconstruction, baseline: batch.copyBaseline,
            samples: batch.samples, step: step)
        if let spread = batch.spreads.first { add(spread) }
    }

    /// Adds how much the latents of a batch vary.
    package mutating func add(_ batch: LatentSpread) { spread? += batch.withinBatch }

    /// - Parameters:
    ///   - counts: uses of each code.
    ///   - mse, baseline: sums over `samples`.
    package mutating func add(counts: [Double], mse: Double, baseline: Double, samples: Double, step: Int) {
        precondition(counts.count == self.counts.count, "\(counts.count) codes, not \(self.counts.count)")
        for (code, count) in counts.enumerated() where count > 0 {
            self.counts[code] += count
            // A step may have several batches.
            if let left = probation?[code], left > 0, lastUsed[code] != step { probation?[code] = left - 1 }
            lastUsed[code] = step
        }
        self.mse += mse
        self.baseline += baseline
        self.samples += samples
    }

    /// Takes the codes that have got a new place: what used them before, used another code. The others have outlived the time
    /// since the last restarts, and count.
    package mutating func addRestarts(_ codes: [Int]) {
        guard !codes.isEmpty || probation != nil else { return }
        restarts += codes.count
        var probation = [Int](repeating: 0, count: lastUsed.count)
        for code in codes { (probation[code], counts[code]) = (Self.stepsOfProbation, 0) }
        self.probation = probation
    }

    /// Codes that were restarted, and that hardly a step was trained with since: that pairs choose them tells nothing.
    package var unprovenCodes: Set<Int> { Set((probation ?? []).enumerated().filter { $0.element > 0 }.map(\.offset)) }

    /// Codes that a step of the last `recent` has used, but for unproven ones.
    func liveCodes(atStep step: Int, recent: Int) -> Int {
        let unproven = unprovenCodes
        return lastUsed.indices.count { step - lastUsed[$0] < recent && !unproven.contains($0) }
    }

    /// Steps since each code was used.
    func ages(atStep step: Int) -> [Int] { lastUsed.map { step - $0 } }

    /// Judges what was added since the last verdict, and begins anew.
    ///
    /// - Parameters:
    ///   - waiting: share of time spent waiting for data, where it is known.
    ///   - restart: what is done about unused codes already.
    package mutating func judge(step: Int, waiting: Double?, restartsCodes: Bool) -> HealthVerdict {
        for code in unprovenCodes { counts[code] = 0 }
        var verdict = HealthVerdict(
            step: step, live: counts.count { $0 > 0 }, codes: counts.count,
            perplexity: CodeHistogram.perplexity(counts),
            baseline: samples > 0 ? baseline / samples : 0, share: baseline > 0 ? mse / baseline : nil,
            previousShare: lastShare, waiting: waiting)
        verdict.spread = spread
        let known = warnings + (isWaiting ? [HealthVerdict.Finding.waiting.rawValue] : [])
        let found = verdict.findings
        verdict.warnings = found.filter { !known.contains($0.rawValue) }.map {
            verdict.warning($0, restartsCodes: restartsCodes)
        }
        warnings = found.filter { $0 != .waiting }.map(\.rawValue)
        isWaiting = found.contains(.waiting)
        lastShare = verdict.share
        counts = [Double](repeating: 0, count: counts.count)
        spread = spread.map { LatentSpread(dimensions: $0.dimensions, name: $0.name) }
        (samples, mse, baseline) = (0, 0, 0)
        return verdict
    }
}
