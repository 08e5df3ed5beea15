import Checkpoints
import Configuration
import Formats

extension LightningCheckpoint {
    /// Compares the options that say what a model's tensors mean with those that it was trained with.
    ///
    /// - Throws: `TrainerError.otherOption` for the first option that the checkpoint has and has otherwise.
    func requireSameMeaning(as model: ModelConfiguration) throws {
        guard let saved = hyperParameters?.values else { return }
        let configured = model.hyperParameters.pickle
        func compare(_ name: String, _ got: PickleValue?, _ expected: PickleValue?) throws {
            guard let got, let expected, Self.text(got) != Self.text(expected) else { return }
            throw TrainerError.otherOption(
                path: path, option: "model.\(name)", trainedWith: Self.text(got), configured: Self.text(expected))
        }
        for name in model.optionsOfMeaning { try compare(name, saved[name], configured[name]) }
        let (got, expected) = (saved["bottleneck"]?["init_args"], configured["bottleneck"]?["init_args"])
        for name in model.bottleneck.choice.kind.options.filter(\.decidesMeaning).map(\.name) {
            try compare("bottleneck.\(name)", got?[name], expected?[name])
        }
    }

    /// As configuration files have it.
    private static func text(_ value: PickleValue) -> String {
        switch value {
        case .bool(let flag): "\(flag)"
        case .int(let number): "\(number)"
        case .string(let string): string
        case .list(let values), .tuple(let values): "[\(values.map(text).joined(separator: ", "))]"
        default: "\(value)"
        }
    }
}
