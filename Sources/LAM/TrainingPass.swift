import Randomness
import Tensor

/// What makes a forward pass one of training: the step that it is part of, and the random numbers of its samples.
///
///     let pass = TrainingPass(step: 12, seed: 7, samples: [96, 97, 98, 99])
///     let output = model(LatentActionInput(patches: patches, training: pass), tape)
///
/// A pass without one is deterministic: it is what labels and evaluations are made with.
public struct TrainingPass: Sendable {
    /// Optimiser steps taken before.
    public let step: Int
    private let draw: @Sendable (_ name: String, _ count: Int) -> [Float]

    /// Draws from streams that are named by seed, bottleneck and sample. So a sample's numbers depend neither on the other
    /// samples of its batch nor on the rank that it is on.
    ///
    /// - Parameter samples: the samples' places in the global order of all ranks.
    public init(step: Int, seed: UInt64, samples: [Int]) {
        self.step = step
        draw = { name, count in
            let perSample = count / samples.count
            return samples.flatMap { sample -> [Float] in
                var generator = RandomGenerator(seed: seed, purpose: "latent noise \(name)", sample)
                return (0..<perSample).map { _ in Float(generator.normal()) }
            }
        }
    }

    /// Takes given numbers, the same for every bottleneck.
    public init(step: Int = 0, noise: [Float]) {
        self.step = step
        draw = { _, _ in noise }
    }

    /// Standard normal numbers for the latents `[B, n, L]` of the bottleneck `name`.
    func noise(for name: String, _ shape: [Int], on backend: any Backend) -> Tensor {
        backend.tensor(draw(name, shape.product), shape)
    }
}
