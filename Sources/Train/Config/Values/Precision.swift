/// `precision`, in Lightning's names; numbers and the short forms are read as well.
public enum Precision: String, ConfigRepresentable, CaseIterable {
    case full32 = "32-true"
    case mixed16 = "16-mixed"
    case mixedBF16 = "bf16-mixed"
    case half16 = "16-true"
    case halfBF16 = "bf16-true"
    case full64 = "64-true"

    public static var typeDescription: String { allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ") }

    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        let short = ["32": Precision.full32, "16": .mixed16, "bf16": .mixedBF16, "64": .full64]
        if node.yaml.isNull {
            self = .full32
        } else if let text = node.text, let precision = Precision(rawValue: text) ?? short[text] {
            self = precision
        } else {
            throw node.invalid(path, expected: Self.allCases.map(\.rawValue).joined(separator: " or "))
        }
    }

    public var configValue: ConfigValue { .string(rawValue) }
}
