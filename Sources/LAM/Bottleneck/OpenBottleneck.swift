import NN
import Tensor

/// Latents as the encoder gives them, but for a layer norm: only their width limits what they tell.
final class OpenBottleneck: LatentBottleneck {
    let name: String
    let latentWidth: Int
    private let norm: LayerNorm?

    init(_ site: BottleneckSite, _ choice: BottleneckChoice) {
        name = site.scope.name
        latentWidth = site.latentWidth
        norm = choice.flag("layer_norm") ? LayerNorm(site.scope("pre_norm"), latentWidth) : nil
    }

    func callAsFunction(_ emb: Tensor, _ training: TrainingPass?, _ tape: Tape) -> ActionLatents {
        let z = norm.map { $0(emb, tape, output: .f32) } ?? emb
        return ActionLatents(emb: emb, z: z.detached, zQ: z)
    }
}

extension BottleneckKind {
    static let open = BottleneckKind("ae", "continuous latents as they are", options: [.layerNorm(true)]) {
        OpenBottleneck($0, $1)
    }
}
