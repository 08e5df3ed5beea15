import NN
import Randomness
import Tensor

// Axes: B batch, n latents of a pair, L latent width.

/// What limits how much the decoder learns of what happened between two frames. Its latents may be codes, as those of
/// `VectorQuantizer`, or continuous vectors; everything behind the model asks which they are.
///
/// A bottleneck is a file with a class of this protocol, and an entry in `BottleneckKind.all`.
public protocol LatentBottleneck: AnyObject {
    /// Its name in the model, with which its parameters and its part of a checkpoint begin: `vq`, `vq_action`.
    var name: String { get }
    /// Width L of a latent.
    var latentWidth: Int { get }
    /// Codes that there are; nil where latents are continuous.
    var codeCount: Int? { get }
    /// What the share of codes in use is a share of; nil where latents are continuous.
    var usageDivisor: Int? { get }
    /// Its terms of the loss, in the order of `ActionLatents.losses`.
    var lossNames: [LossName] { get }
    /// Uses of each code since the last restart, which checkpoints keep and ranks add up; empty where nothing is counted.
    var usage: [Float] { get set }

    /// Whether the first step of a run needs latents of its batch before codes can be chosen.
    var beginsFromLatents: Bool { get }
    /// Latents of a pair that become of so many tokens; as many, unless they are merged.
    func latentsPerPair(ofTokens tokens: Int) -> Int

    /// Makes latents of the encoder's output `emb` `[B, n, L]`.
    ///
    /// - Parameter training: nil for an evaluation, which nothing random enters and which changes nothing.
    func callAsFunction(_ emb: Tensor, _ training: TrainingPass?, _ tape: Tape) -> ActionLatents

    /// The latents `[B, n, L]` that codes, i32 `[B, n]`, stand for. Only called where there are codes.
    func latents(of codes: Tensor, _ tape: Tape) -> Tensor

    /// Prepares the first step of a run that goes on from nothing.
    ///
    /// - Parameter latents: encoder outputs of the first batch over all ranks, `[M, L]` flat; empty unless `beginsFromLatents`.
    func begin(latents: [Float], backend: any Backend, _ generator: inout RandomGenerator)

    /// Whether there is an update beside the optimiser's.
    var updatesBesideOptimizer: Bool { get }
    /// Sums over the samples of a step's batches that this update needs, and which add up over ranks; nil where there is none.
    /// Taken once a step.
    func takeStatistics() -> Tensor?
    /// Makes that update, after the optimiser's.
    func absorb(_ statistics: Tensor, on backend: any Backend)

    /// Lets what is remembered of codes beside the optimiser begin anew with their rows.
    func forget(_ codes: [Int], on backend: any Backend)

    /// Adds the codes of a batch that was trained on to the record of their use.
    ///
    /// - Parameters:
    ///   - codes: how often each occurs.
    ///   - indices: brings the same codes one by one, `perSample` of them for each sample, for who counts them otherwise.
    func count(_ codes: CodeHistogram, indices: () -> [Int32], perSample: Int)

    /// Gives codes that were not used since the last restart a new place, and starts a new record.
    ///
    /// - Parameters:
    ///   - latents: current encoder outputs, `[M, L]` flat; used by `encoder` only.
    ///   - optimizer: forgets what it remembers of replaced rows under `encoder`.
    ///   - generator: draws the order in which sources are taken.
    /// - Returns: the restarted codes.
    func restartDeadCodes(
        _ rule: CodeRestart, latents: [Float], optimizer: AdamW?, backend: any Backend,
        _ generator: inout RandomGenerator
    ) -> [Int]
}

/// A bottleneck without codes needs none of what is about codes.
extension LatentBottleneck {
    public var codeCount: Int? { nil }
    public var usageDivisor: Int? { codeCount }
    public var lossNames: [LossName] { [] }
    public var beginsFromLatents: Bool { false }
    public func latentsPerPair(ofTokens tokens: Int) -> Int { tokens }
    public var usage: [Float] {
        get { [] }
        set { precondition(newValue.isEmpty, "\(name) counts no codes, got \(newValue.count) uses") }
    }

    public func latents(of codes: Tensor, _ tape: Tape) -> Tensor {
        preconditionFailure("the latents of \(name) are continuous, and no codes stand for them")
    }

    public func begin(latents: [Float], backend: any Backend, _ generator: inout RandomGenerator) {}
    public var updatesBesideOptimizer: Bool { false }
    public func takeStatistics() -> Tensor? { nil }
    public func absorb(_ statistics: Tensor, on backend: any Backend) {}
    public func forget(_ codes: [Int], on backend: any Backend) {}
    public func count(_ codes: CodeHistogram, indices: () -> [Int32], perSample: Int) {}

    public func restartDeadCodes(
        _ rule: CodeRestart, latents: [Float], optimizer: AdamW?, backend: any Backend,
        _ generator: inout RandomGenerator
    ) -> [Int] { [] }

    /// Starts a new record of uses.
    public func resetUsage() { usage = [Float](repeating: 0, count: usage.count) }
}

/// The latents of one kind of action tokens, before and behind the bottleneck.
public struct ActionLatents {
    /// Encoder outputs, `[B, n, L]`.
    public let emb: Tensor
    /// The latents, `[B, n, L]`: what labels hold and a prediction can be made from. Chosen rows of a codebook carry
    /// the codebook's gradient.
    public let z: Tensor
    /// What the decoder gets, with the gradient of `emb`, `[B, n, L]`. Of a codebook the same values as `z`, up to
    /// rounding.
    public let zQ: Tensor
    /// Codes, i32 `[B, n]`; nil where latents are continuous.
    public let indices: Tensor?
    /// The bottleneck's terms of the loss, each with its weight in the sum.
    public let losses: [(tensor: Tensor, weight: Float)]

    public init(
        emb: Tensor, z: Tensor, zQ: Tensor, indices: Tensor? = nil, losses: [(tensor: Tensor, weight: Float)] = []
    ) {
        (self.emb, self.z, self.zQ, self.indices, self.losses) = (emb, z, zQ, indices, losses)
    }
}
