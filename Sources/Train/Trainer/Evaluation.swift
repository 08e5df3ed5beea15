import LAM
import LAMData
import Tensor

/// What a model does on a finite stream of pairs.
public struct Evaluation: Sendable {
    /// Means over all pairs.
    public var loss = 0.0
    public var mseLoss = 0.0
    /// The action codes; in stage 2 those of the controllable part.
    public var action = Quantization()
    /// Stage 2: the codes from the frozen codebook.
    public var uncontrolled: Quantization?
    /// Loss of predicting that nothing changes.
    public var copyBaseline = 0.0
    /// Occurrences of each action code.
    public var codeCounts: [Int]
    public var samples = 0

    /// The use of one codebook.
    public struct Quantization: Sendable {
        public var qLoss = 0.0
        public var commitLoss = 0.0
        /// Mean over batches of the share of codes that occur in one, as the original logs it.
        public var codeUsage = 0.0

        fileprivate mutating func add(_ batch: LAMModule.Quantization, weight: Double) {
            qLoss += Double(batch.qLoss) * weight
            commitLoss += Double(batch.commitLoss) * weight
            codeUsage += Double(batch.codeUsage)
        }

        fileprivate mutating func divide(samples: Double, batches: Double) {
            qLoss /= samples
            commitLoss /= samples
            codeUsage /= batches
        }
    }

    /// Codes that occur at all.
    public var codesInUse: Int { codeCounts.count { $0 > 0 } }
    /// The reconstruction's error as a share of the copy baseline's; below 1 means that the codes tell something.
    public var errorShare: Double { copyBaseline > 0 ? mseLoss / copyBaseline : .infinity }

    /// Runs the model over at most `limit` batches of `stream`.
    ///
    /// - Parameter visit: sees each batch with its result.
    static func run(
        _ module: LAMModule, encoder: BatchEncoder, stream: FramePairStream, limit: Int?,
        visit: (_ batch: FramePairBatch, _ result: LAMModule.BatchResult) -> Void = { _, _ in }
    ) throws -> Evaluation {
        var evaluation = Evaluation(codeCounts: [Int](repeating: 0, count: module.model.quantizer.codeCount))
        if module.model.frozenQuantizer != nil { evaluation.uncontrolled = Quantization() }
        var batches = 0
        while limit.map({ batches < $0 }) ?? true, let batch = try stream.next() {
            batches += 1
            let input = try encoder(batch)
            let result = module.validationStep(input.patches, language: input.language)
            let weight = Double(batch.samples.count)
            evaluation.samples += batch.samples.count
            evaluation.loss += Double(result.loss) * weight
            evaluation.mseLoss += Double(result.mseLoss) * weight
            evaluation.copyBaseline += Double(result.copyBaseline) * weight
            evaluation.action.add(result.action, weight: weight)
            if let uncontrolled = result.uncontrolled {
                evaluation.uncontrolled?.add(uncontrolled, weight: weight)
            }
            for index in result.action.indices { evaluation.codeCounts[Int(index)] += 1 }
            visit(batch, result)
        }
        let total = Double(max(1, evaluation.samples))
        evaluation.loss /= total
        evaluation.mseLoss /= total
        evaluation.copyBaseline /= total
        evaluation.action.divide(samples: total, batches: Double(max(1, batches)))
        evaluation.uncontrolled?.divide(samples: total, batches: Double(max(1, batches)))
        return evaluation
    }
}
