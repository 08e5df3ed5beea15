import NN
import Randomness
import Tensor

/// How often a batch counts a code (SPEC_LAM §3).
public enum CodeUsage: String, Sendable, CaseIterable {
    /// Every occurrence counts.
    case occurrence
    /// The original's: once per sample that contains the code.
    case original
}

/// What a dead code becomes.
public enum CodeRestart: String, Sendable, CaseIterable {
    /// A current encoder output: the code starts where latents really are.
    case encoder
    /// The original's: a copy of another code, which may be dead itself.
    case original
    case none
}

/// A codebook of K latents (van den Oord et al. 2017), the record of how often each is used, and their restart.
public final class VectorQuantizer {
    /// Its name in the model: `vq`, `vq_action`.
    public let name: String
    /// `[K, L]`.
    public let codebook: Parameter
    /// Uses of each code since the last restart, K values.
    public var usage: [Float]
    private let counting: CodeUsage

    /// What quantising one batch gives.
    public struct Output {
        /// Chosen codes, i32 `[..., n]`.
        public let indices: Tensor
        /// The chosen rows of the codebook `[..., n, L]`; carries the codebook's gradient.
        public let z: Tensor
        /// Their values with the gradient of the input: what the decoder gets.
        public let zQ: Tensor
    }

    /// - Parameters:
    ///   - scope: declares `codebook.weight`, uniform in ±1/K.
    ///   - isTrainable: false for a codebook that is only looked up.
    public init(
        _ scope: ParameterScope, codes: Int, latentWidth: Int, counting: CodeUsage, isTrainable: Bool = true
    ) {
        name = scope.name
        codebook = scope("codebook").parameter(
            "weight", [codes, latentWidth], .uniform(bound: 1 / Float(codes)), isTrainable: isTrainable)
        usage = [Float](repeating: 0, count: codes)
        self.counting = counting
    }

    public var codeCount: Int { codebook.shape[0] }

    /// Quantises `emb` `[B, n, L]`.
    public func callAsFunction(_ emb: Tensor, _ tape: Tape) -> Output {
        let indices = tape.nearestCodes(emb, in: codebook)
        let z = tape.embedding(indices, in: codebook)
        return Output(indices: indices, z: z, zQ: tape.straightThrough(emb, z))
    }

    /// Adds a batch's codes to the record. `indices` holds `perSample` codes for each sample.
    public func count(_ indices: [Int32], perSample: Int) {
        switch counting {
        case .occurrence:
            for index in indices { usage[Int(index)] += 1 }
        case .original:
            for start in stride(from: 0, to: indices.count, by: perSample) {
                for index in Set(indices[start..<start + perSample]) { usage[Int(index)] += 1 }
            }
        }
    }

    /// Starts a new record.
    public func resetUsage() { usage = [Float](repeating: 0, count: codeCount) }

    /// Replaces every code that was not used since the last restart, and starts a new record.
    ///
    /// - Parameters:
    ///   - latents: current encoder outputs, `[M, L]` flat; used by `encoder` only.
    ///   - optimizer: forgets what it remembers of replaced rows under `encoder`.
    ///   - generator: draws the order in which sources are taken.
    /// - Returns: the restarted codes.
    public func restartDeadCodes(
        _ rule: CodeRestart, latents: [Float], optimizer: AdamW?, backend: any Backend,
        _ generator: inout RandomGenerator
    ) -> [Int] {
        let sources = rule == .encoder ? latents.count / codebook.shape[1] : codeCount
        return restartDeadCodes(
            rule, latents: latents, optimizer: optimizer, backend: backend, order: generator.permutation(sources))
    }

    /// The same with a given order of sources: the first dead code takes source `order[0]`, the next `order[1]`, …
    public func restartDeadCodes(
        _ rule: CodeRestart, latents: [Float], optimizer: AdamW?, backend: any Backend, order: [Int]
    ) -> [Int] {
        precondition(codebook.isTrainable, "the codes of \(name) are frozen")
        let dead = usage.indices.filter { usage[$0] < 1 }
        resetUsage()
        guard rule != .none, !dead.isEmpty, !order.isEmpty else { return [] }
        let width = codebook.shape[1]
        let sources = rule == .encoder ? latents : backend.floats(codebook.value)
        for (turn, code) in dead.enumerated() {
            let source = order[turn % order.count] * width
            write(Array(sources[source..<source + width]), to: codebook.value, row: code, backend)
            guard rule == .encoder, let optimizer else { continue }
            optimizer.clearMoments(of: codebook, elements: code * width..<(code + 1) * width)
        }
        return dead
    }

    private func write(_ row: [Float], to table: Tensor, row index: Int, _ backend: any Backend) {
        row.withUnsafeBytes { backend.upload($0, to: table.range(index * row.count, row.count)) }
    }
}
