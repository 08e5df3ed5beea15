import NN
import Tensor

/// Finite scalar quantisation (Mentzer et al. 2023): each channel of a latent is bounded and rounded to one of a few levels, so
/// that all combinations are codes. There is no codebook and no loss.
final class ScalarQuantizer: LatentBottleneck {
    let name: String
    private let levels: ScalarLevels
    /// All codes `[K, channels]`, made when they are asked for.
    private var table: Tensor?

    init(_ site: BottleneckSite, _ choice: BottleneckChoice) {
        name = site.scope.name
        levels = ScalarLevels(
            choice.integers("levels"), bound: ScalarLevels.Bound(rawValue: choice.choice("bound")) ?? .paper)
    }

    var latentWidth: Int { levels.channels }
    var codeCount: Int? { levels.codeCount }

    func callAsFunction(_ emb: Tensor, _ training: TrainingPass?, _ tape: Tape) -> ActionLatents {
        let (codes, indices) = tape.scalarCodes(emb, levels)
        return ActionLatents(emb: emb, z: codes.detached, zQ: codes, indices: indices)
    }

    func latents(of codes: Tensor, _ tape: Tape) -> Tensor {
        let table = table ?? tape.backend.tensor(levels.codebook, [levels.codeCount, levels.channels])
        self.table = table
        return tape.rows(codes, of: table)
    }
}

extension BottleneckKind {
    static let scalarQuantizer = BottleneckKind(
        "fsq", "channels that are rounded to a few levels",
        options: [
            BottleneckOption(
                "levels", initial: .integers([8, 6, 5]), bound: .integers(lowest: 2, highest: 255),
                "Levels of each channel, which stand in place of `lam_latent_dim` and `lam_num_latents`.",
                decidesMeaning: true),
            BottleneckOption(
                "bound", initial: .choice("paper"), bound: .oneOf(ScalarLevels.Bound.allCases.map(\.rawValue)),
                "How channels are bounded: as in the `paper`, or with `atanh` as in widespread code.",
                decidesMeaning: true),
        ], hasCodes: true, latentWidth: { choice, _ in choice.integers("levels").count }
    ) { ScalarQuantizer($0, $1) }
}
