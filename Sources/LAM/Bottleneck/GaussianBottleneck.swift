import NN
import Tensor

/// A variational bottleneck (Kingma & Welling 2014): the decoder gets a sample of a normal distribution around the latent, whose
/// divergence from the standard normal one is a loss.
///
/// `mu = W_mu h + b`, `l = clamp(W_l h + b, ±clamp_logvar)` and `z = mu + e^(l/2) v` with normal numbers v. The loss is `beta` times
/// the mean over samples of `sum (mu^2 + e^l - 1 - l) / 2`. An evaluation gives the decoder `mu`, and so do labels.
final class GaussianBottleneck: LatentBottleneck {
    let name: String
    let latentWidth: Int
    let merges: Bool
    private let norm: LayerNorm?
    private let mean: Linear
    private let logVariance: Linear
    private let weight: Float
    private let limit: Float

    init(_ site: BottleneckSite, _ choice: BottleneckChoice) {
        name = site.scope.name
        latentWidth = site.latentWidth
        merges = site.mergesLatents
        norm = choice.flag("layer_norm") ? LayerNorm(site.scope("pre_norm"), latentWidth) : nil
        mean = Linear(site.scope("mu"), in: latentWidth, out: latentWidth)
        logVariance = Linear(site.scope("logvar"), in: latentWidth, out: latentWidth)
        (weight, limit) = (choice.number("beta"), choice.number("clamp_logvar"))
    }

    var lossNames: [LossName] { [LossName("kl_loss", "KL divergence")] }
    func latentsPerPair(ofTokens tokens: Int) -> Int { merges ? 1 : tokens }

    func callAsFunction(_ emb: Tensor, _ training: TrainingPass?, _ tape: Tape) -> ActionLatents {
        let batch = emb.shape[0]
        let merged = merges ? tape.meanToken(emb).reshaped([batch, 1, latentWidth]) : emb
        let h = norm.map { $0(merged, tape, output: .f32) } ?? merged
        let mu = map(h, mean, tape)
        let l = tape.apply(.clamp(low: -limit, high: limit), map(h, logVariance, tape))
        let variance = tape.apply(.exp, l)
        let excess = tape.affine(
            tape.difference(tape.sum(tape.product(mu, mu), variance), l), 0.5, offset: -0.5)
        let kl = tape.affine(tape.mean(excess), Float(excess.count / batch))
        var zQ = mu
        if let training {
            let noise = training.noise(for: name, mu.shape, on: tape.backend)
            zQ = tape.sum(mu, tape.product(tape.apply(.exp, tape.affine(l, 0.5)), noise))
        }
        return ActionLatents(emb: emb, z: mu.detached, zQ: zQ, losses: [(kl, weight)])
    }

    /// A linear map in f32 on every tape: variances are no place for bf16.
    private func map(_ h: Tensor, _ linear: Linear, _ tape: Tape) -> Tensor {
        let product = tape.crossProduct(h, tape.value(of: linear.weight))
        return linear.bias.map { tape.add(product, repeating: tape.value(of: $0)) } ?? product
    }
}

extension BottleneckKind {
    static let gaussian = BottleneckKind(
        "vae", "continuous latents, sampled in training, with a divergence from the normal distribution",
        options: [
            .layerNorm(true),
            BottleneckOption("beta", initial: .number(5e-5), bound: .nonNegative, "Weight of the divergence."),
            BottleneckOption(
                "clamp_logvar", initial: .number(10), bound: .positive,
                "Bound of the logarithm of the variance, both ways."),
        ]
    ) { GaussianBottleneck($0, $1) }
}
