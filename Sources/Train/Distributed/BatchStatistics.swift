import Collectives
import LAM

/// What is logged of a batch, as sums: those of the parts that ranks have of one batch add up to those of the whole, and
/// those of batches to those of an evaluation.
public struct BatchStatistics: Equatable, Sendable {
    public var samples: Double
    /// The loss and its terms, each a mean over samples times their number.
    public var losses: LossTerms
    /// The loss of predicting that nothing changes, likewise.
    public var copyBaseline: Double
    /// Uses of the codes of each kind of latents that has some, the action's first.
    public var codes: [CodeHistogram]
    /// How much the latents of each kind that has no codes vary, the action's first.
    public var spreads: [LatentSpread]

    init(
        samples: Double, losses: LossTerms, copyBaseline: Double, codes: [CodeHistogram], spreads: [LatentSpread]
    ) {
        (self.samples, self.losses, self.copyBaseline) = (samples, losses, copyBaseline)
        (self.codes, self.spreads) = (codes, spreads)
    }

    /// Those of no batch.
    init(of model: any LatentActionModeling) {
        self.init(
            samples: 0, losses: LossTerms(model.lossNames), copyBaseline: 0,
            codes: model.latentParts.compactMap { $0.histogram() },
            spreads: model.latentParts.compactMap { $0.spread() })
    }

    /// All sums under keys, for sending.
    var message: RankMessage {
        var message = RankMessage()
        message.append("samples", samples)
        message.append("copy_baseline", copyBaseline)
        message.append("loss", losses.total)
        for (name, value) in losses.terms { message.append(name.tag, value) }
        for part in codes { message.append("codes/" + part.name, part.counts) }
        for part in spreads { message.append("spreads/" + part.name, part.values) }
        return message
    }

    /// The same statistics with the sums of a message.
    func with(_ message: RankMessage) -> BatchStatistics {
        var other = self
        other.samples = message.number("samples")
        other.copyBaseline = message.number("copy_baseline")
        other.losses = LossTerms(
            losses.names, [message.number("loss")] + losses.names.map { message.number($0.tag) })
        for part in codes.indices { other.codes[part].counts = message["codes/" + codes[part].name] }
        for (place, part) in spreads.enumerated() { other.spreads[place] = part.with(message["spreads/" + part.name]) }
        return other
    }
}
