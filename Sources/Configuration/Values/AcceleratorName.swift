/// `accelerator`: a kind of device by its name, or one of Lightning's accelerator objects, which counts as its name.
public enum AcceleratorName: String, ConfigRepresentable, CaseIterable {
    case auto, cpu, gpu, cuda, mps, tpu, hpu
    /// The CPU through its PJRT plugin, for tests.
    case pjrtCPU = "pjrt-cpu"

    public static var typeDescription: String {
        "auto, cpu, gpu, cuda, mps, tpu, hpu or pjrt-cpu"
    }

    private static let classes: [String: AcceleratorName] = [
        "CPUAccelerator": .cpu, "CUDAAccelerator": .cuda, "MPSAccelerator": .mps, "XLAAccelerator": .tpu,
        "GPUAccelerator": .gpu, "TPUAccelerator": .tpu, "HPUAccelerator": .hpu,
    ]

    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        if let text = node.text, !node.yaml.isNull, let name = AcceleratorName(rawValue: text) ?? Self.classes[text] {
            self = name
        } else if case .mapping = node.yaml.content {
            let object = try ClassObject(node, at: path)
            guard let name = object.lightningClass(in: "accelerators", of: Self.classes.keys) else {
                throw ConfigurationError.unknownClass(
                    path: path, at: object.classLocation, got: object.className ?? "null",
                    known: [Self.typeDescription])
            }
            self = Self.classes[name] ?? .auto
        } else {
            throw node.invalid(path, expected: Self.typeDescription)
        }
    }

    public var configValue: ConfigValue { .string(rawValue) }
}
