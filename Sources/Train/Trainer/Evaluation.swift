import LAM
import LAMData
import Tensor

/// What a model does on a finite stream of pairs.
public struct Evaluation: Sendable {
    /// Means over all pairs.
    public var loss = 0.0
    public var mseLoss = 0.0
    public var qLoss = 0.0
    public var commitLoss = 0.0
    /// Mean over batches of the share of codes that occur in one, as the original logs it.
    public var codeUsage = 0.0
    /// Loss of predicting that nothing changes.
    public var copyBaseline = 0.0
    /// Occurrences of each code.
    public var codeCounts: [Int]
    public var samples = 0

    /// Codes that occur at all.
    public var codesInUse: Int { codeCounts.count { $0 > 0 } }
    /// The reconstruction's error as a share of the copy baseline's; below 1 means that the codes tell something.
    public var errorShare: Double { copyBaseline > 0 ? mseLoss / copyBaseline : .infinity }

    /// Runs the model over at most `limit` batches of `stream`.
    ///
    /// - Parameter visit: sees each batch with its result.
    static func run(
        _ module: LAMModule, encoder: any VisionEncoder, stream: FramePairStream, limit: Int?,
        visit: (_ batch: FramePairBatch, _ result: LAMModule.BatchResult) -> Void = { _, _ in }
    ) throws -> Evaluation {
        var evaluation = Evaluation(codeCounts: [Int](repeating: 0, count: module.model.vq.codeCount))
        var batches = 0
        while limit.map({ batches < $0 }) ?? true, let batch = try stream.next() {
            batches += 1
            let frames = module.backend.tensor(batch.pixels, batch.shape)
            let result = module.validationStep(encoder(frames, on: module.backend))
            let weight = Double(batch.samples.count)
            evaluation.samples += batch.samples.count
            evaluation.loss += Double(result.loss) * weight
            evaluation.mseLoss += Double(result.mseLoss) * weight
            evaluation.qLoss += Double(result.qLoss) * weight
            evaluation.commitLoss += Double(result.commitLoss) * weight
            evaluation.copyBaseline += Double(result.copyBaseline) * weight
            evaluation.codeUsage += Double(result.codeUsage)
            for index in result.indices { evaluation.codeCounts[Int(index)] += 1 }
            visit(batch, result)
        }
        let total = Double(max(1, evaluation.samples))
        evaluation.loss /= total
        evaluation.mseLoss /= total
        evaluation.qLoss /= total
        evaluation.commitLoss /= total
        evaluation.copyBaseline /= total
        evaluation.codeUsage /= Double(max(1, batches))
        return evaluation
    }
}
