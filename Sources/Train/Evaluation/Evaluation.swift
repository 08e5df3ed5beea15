import Collectives
import LAM
import LAMData
import Tensor

/// What a model does on a finite stream of pairs.
public struct Evaluation: Sendable {
    /// Means over all pairs.
    public var losses: LossTerms
    /// Loss of predicting that nothing changes.
    public var copyBaseline: Double
    /// Uses of the codes of each kind of latents that has some, the action's first.
    public var codes: [CodeHistogram]
    /// For each of `codes` the mean over batches of the share of codes that occur in one, as the original logs it.
    public var codeUsage: [Double]
    /// How much the latents of each kind that has no codes vary, the action's first.
    public var spreads: [LatentSpread]
    public var samples: Int

    /// The reconstruction's error as a share of the copy baseline's; below 1 means that the latents tell something.
    public var errorShare: Double { copyBaseline > 0 ? losses.reconstruction / copyBaseline : .infinity }
    /// Codes of the action that have only just been restarted: pairs choose them, though hardly a step was trained with them.
    var unproven: Set<Int> = []

    /// Uses of the action's codes, but for those of unproven ones.
    var provenCodes: CodeHistogram? {
        codes.first.map { all in
            var proven = all
            for code in unproven { proven.counts[code] = 0 }
            return proven
        }
    }
    /// How many of the action's codes are in use: "7 of 8"; nil where its latents are continuous.
    var codesInUse: String? { provenCodes.map { "\($0.used) of \($0.counts.count)" } }
    /// How many codes beside these are chosen, too, in words; nil of none.
    var unprovenInUse: String? {
        guard let all = codes.first, let proven = provenCodes, all.used > proven.used else { return nil }
        return "\(all.used - proven.used) more have only just been restarted"
    }
    /// What follows the number of codes in use where there are such; else nothing.
    var unprovenRemark: String { unprovenInUse.map { "; \($0), and count once they are trained" } ?? "" }
    /// How many dimensions of the action's latents vary: "120 of 128"; nil where they are codes.
    var activeDimensions: String? { spreads.first.map { "\($0.active) of \($0.dimensions)" } }

    /// Runs the model over `stream`, which is this rank's share of the pairs to look at.
    ///
    /// - Parameter visit: sees each batch of this rank, what the model read of it, and the result.
    /// - Returns: the same on all ranks, over the pairs of all.
    package static func run(
        _ module: LAMModule, encoder: BatchEncoder, stream: FramePairStream, group: any ProcessGroup,
        visit: (_ batch: FramePairBatch, _ input: EncodedBatch, _ result: LAMModule.BatchResult) throws -> Void = {
            _, _, _ in
        }
    ) throws -> Evaluation {
        var batches: [BatchStatistics] = []
        while let batch = try stream.next() {
            let input = try encoder(batch)
            let result = try module.validationStep(input.input())
            batches.append(result.statistics)
            try visit(batch, input, result)
        }
        let empty = BatchStatistics(of: module.model)
        return Evaluation(try joined(batches, empty: empty, over: group), empty: empty)
    }

    /// Each batch of all ranks together. A rank may have none of the last one, or none at all.
    private static func joined(
        _ own: [BatchStatistics], empty: BatchStatistics, over group: any ProcessGroup
    ) throws -> [BatchStatistics] {
        guard group.size > 1 else { return own }
        let none = empty.message
        let all = try group.allGather(rows: own.map(\.message), like: none, for: "validation")
        let count = all.map(\.count).max() ?? 0
        return (0..<count).map { (batch: Int) -> BatchStatistics in
            let parts = all.filter { $0.count > batch }.map { $0[batch] }
            return empty.with(RankMessage.sum([none] + parts))
        }
    }

    private init(_ batches: [BatchStatistics], empty: BatchStatistics) {
        var sums = empty
        codeUsage = empty.codes.map { _ in 0 }
        for batch in batches {
            sums.samples += batch.samples
            sums.losses += batch.losses
            sums.copyBaseline += batch.copyBaseline
            for (part, codes) in batch.codes.enumerated() {
                sums.codes[part] += codes
                codeUsage[part] += codes.usage
            }
            for (part, spread) in batch.spreads.enumerated() { sums.spreads[part] += spread }
        }
        let total = max(1, sums.samples)
        samples = Int(sums.samples)
        losses = sums.losses / total
        copyBaseline = sums.copyBaseline / total
        (codes, spreads) = (sums.codes, sums.spreads)
        codeUsage = codeUsage.map { $0 / Double(max(1, batches.count)) }
    }
}
