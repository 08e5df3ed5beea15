/// An option that one kind of bottleneck has: its name in configuration files, its default and its bound.
public struct BottleneckOption: Sendable {
    public enum Value: Sendable, Equatable {
        case number(Double)
        case flag(Bool)
        case integers([Int])
        case choice(String)
    }

    /// What values are allowed.
    public enum Bound: Sendable, Equatable {
        case nonNegative
        case positive
        /// From 0 up to but not 1.
        case belowOne
        case flag
        /// One or more integers from a lowest to a highest.
        case integers(lowest: Int, highest: Int)
        case oneOf([String])
    }

    public let name: String
    public let initial: Value
    public let bound: Bound
    /// What it does, for the documentation.
    public let summary: String

    /// Whether a model's latents mean something else with another value, though no shape tells.
    public let decidesMeaning: Bool

    public init(
        _ name: String, initial: Value, bound: Bound, _ summary: String, decidesMeaning: Bool = false
    ) {
        (self.name, self.initial, self.bound, self.summary) = (name, initial, bound, summary)
        self.decidesMeaning = decidesMeaning
    }

    /// Whether a value is of the option's type and within its bound.
    public func allows(_ value: Value) -> Bool {
        switch (bound, value) {
        case (.nonNegative, .number(let number)): number >= 0 && number.isFinite
        case (.positive, .number(let number)): number > 0 && number.isFinite
        case (.belowOne, .number(let number)): number >= 0 && number < 1
        case (.flag, .flag): true
        case (.integers(let lowest, let highest), .integers(let values)):
            !values.isEmpty && values.allSatisfy { (lowest...highest).contains($0) }
        case (.oneOf(let names), .choice(let name)): names.contains(name)
        default: false
        }
    }
}

extension BottleneckOption {
    /// Of codebooks and of latents without one.
    static func layerNorm(_ initial: Bool) -> BottleneckOption {
        BottleneckOption(
            "layer_norm", initial: .flag(initial), bound: .flag, "Layer normalisation of what the encoder gives.",
            decidesMeaning: true)
    }
}
