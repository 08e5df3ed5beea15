import Tensor

/// `precision`, in Lightning's names; numbers and the short forms are read as well.
public enum Precision: String, ConfigRepresentable, CaseIterable {
    case full32 = "32-true"
    case mixedBF16 = "bf16-mixed"
    case mixed16 = "16-mixed"
    /// f32 whose products round their operands to 10 bits, as PyTorch's `set_float32_matmul_precision("high")`.
    case tf32

    public static var typeDescription: String { allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ") }

    private static let short: [String: Precision] = ["32": .full32, "16": .mixed16, "bf16": .mixedBF16]

    /// Lightning's other values, and what to write instead.
    private static let refused = [
        "bf16-true": "bf16-mixed, which keeps the weights in f32",
        "16-true": "bf16-mixed, which keeps the weights in f32",
        "64-true": "32-true", "64": "32-true", "transformer-engine": "bf16-mixed",
        "transformer-engine-float16": "bf16-mixed",
    ]

    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        if node.yaml.isNull {
            self = .full32
        } else if let text = node.text, let precision = Precision(rawValue: text) ?? Self.short[text] {
            self = precision
            if text == "bf16" { context.note(path, text, "means bf16-mixed here: weights stay in f32") }
        } else if let text = node.text, let instead = Self.refused[text] {
            throw node.invalid(path, expected: instead)
        } else {
            throw node.invalid(path, expected: Self.allCases.map(\.rawValue).joined(separator: " or "))
        }
    }

    public var configValue: ConfigValue { .string(rawValue) }

    /// What the tape does.
    public var autocast: Autocast { self == .mixedBF16 || self == .mixed16 ? .bf16 : .off }

    /// A line for the user about a number format that this CPU has no units for.
    package func advice(on backend: any Backend) -> String? {
        guard autocast == .bf16, let cpu = backend as? CPUBackend, !cpu.hasHalfProducts else { return nil }
        return
            "trainer.precision: \(rawValue): this CPU (\(cpu.instructionSet)) has no bf16 units and multiplies in "
            + "f32; bf16 saves memory here, and no time"
    }
}
