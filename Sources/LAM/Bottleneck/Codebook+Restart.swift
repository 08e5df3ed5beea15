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
    /// LaWAM's: at most two codes a time, the least used of those with under a hundredth of all uses, become copies of codes
    /// in use, drawn by how often these are.
    case lawam
    case none

    /// Whether it is due every `model.restart_every_n_steps`, not at the ends of epochs.
    public var isPeriodic: Bool { self == .encoder || self == .lawam }
}

extension Codebook {
    /// LaWAM's rule: a code with a smaller share of all uses is dead, and so many are replaced at a time.
    static let deadShare: Float = 0.01
    static let replacedAtOnce = 2
    /// It also adds so small a number to a copy that f32 mostly rounds it away.
    static let copyNoise = 1e-10

    func restart(
        _ rule: CodeRestart, latents: [Float], optimizer: AdamW?, backend: any Backend,
        _ generator: inout RandomGenerator
    ) -> [Int] {
        guard rule != .lawam else {
            let chosen = deadCodes(atMost: Self.replacedAtOnce)
            let used = codesInUse
            let total = used.reduce(0.0) { $0 + Double(usage[$1]) }
            let sources = chosen.map { _ in
                var rest = generator.uniform() * total
                return used.firstIndex { code in
                    rest -= Double(usage[code])
                    return rest < 0
                } ?? max(0, used.count - 1)
            }
            return copyUsed(to: chosen, positions: sources, backend: backend) {
                Float(Self.copyNoise * generator.normal())
            }
        }
        let sources = rule == .encoder ? latents.count / width : count
        return restart(
            rule, latents: latents, optimizer: optimizer, backend: backend, order: generator.permutation(sources))
    }

    /// The same with a given order of sources: the first dead code takes source `order[0]`, the next `order[1]`, …
    func restart(
        _ rule: CodeRestart, latents: [Float], optimizer: AdamW?, backend: any Backend, order: [Int]
    ) -> [Int] {
        let dead = usage.indices.filter { usage[$0] < 1 }
        resetUsage()
        guard rule != .none, !dead.isEmpty, !order.isEmpty else { return [] }
        let sources = rule == .encoder ? normalizedRows(latents, backend) : backend.floats(rows.value)
        for (turn, code) in dead.enumerated() {
            let source = order[turn % order.count] * width
            write(sources[source..<source + width], to: code, backend)
            guard rule == .encoder, rows.isTrainable, let optimizer else { continue }
            optimizer.clearMoments(of: rows, elements: code * width..<(code + 1) * width)
        }
        return dead
    }

    /// Codes that LaWAM's rule replaces, the least used first; with `limit` 0 all that are dead.
    public func deadCodes(atMost limit: Int) -> [Int] {
        let total = max(1, usage.reduce(0, +))
        let dead = usage.indices.filter { usage[$0] / total < Self.deadShare }
        let ordered = dead.sorted { (usage[$0], $0) < (usage[$1], $1) }
        return limit > 0 ? Array(ordered.prefix(limit)) : ordered
    }

    /// Codes that are not dead by LaWAM's rule.
    public var codesInUse: [Int] {
        let dead = Set(deadCodes(atMost: 0))
        return usage.indices.filter { !dead.contains($0) }
    }

    /// Makes codes copies of codes in use, and starts a new record.
    ///
    /// - Parameter positions: for each of `codes`, the place of its source among `codesInUse`.
    /// - Returns: the codes, or all where none is in use, whose rows get nothing but the noise.
    public func copyUsed(
        to codes: [Int], positions: [Int], backend: any Backend, noise: () -> Float
    ) -> [Int] {
        let used = codesInUse
        let table = backend.floats(rows.value)
        resetUsage()
        let targets = used.isEmpty ? Array(0..<count) : codes
        for (turn, code) in targets.enumerated() {
            let source = used.isEmpty ? code : used[positions[turn]]
            write(table[source * width..<(source + 1) * width].map { $0 + noise() }[...], to: code, backend)
        }
        return targets
    }

    /// Starts a new record of uses.
    func resetUsage() { usage = [Float](repeating: 0, count: usage.count) }

    /// Encoder outputs `[M, L]` as they are compared with rows.
    func normalizedRows(_ latents: [Float], _ backend: any Backend) -> [Float] {
        let tensor = backend.tensor(latents, [latents.count / width, width])
        return backend.floats(normalized(tensor, Tape(on: backend, recording: false)))
    }
}
