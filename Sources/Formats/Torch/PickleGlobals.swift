/// The names that a pickle may mention. Everything else is refused, called or not.
enum PickleGlobal: Hashable, Sendable {
    case rebuildTensor
    case rebuildTensorV2
    case rebuildTensorV3
    case rebuildParameter
    case storage(ElementType)
    case untypedStorage
    case dtype(String)
    case size
    case device
    case orderedDict
    case set
    case codecsEncode
    /// Kept as a name: never looked up, never called.
    case inert(module: String, name: String)

    init?(module: String, name: String) {
        switch (module, name) {
        case ("torch._utils", "_rebuild_tensor"): self = .rebuildTensor
        case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensorV2
        case ("torch._utils", "_rebuild_tensor_v3"): self = .rebuildTensorV3
        case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
        case ("torch", "Size"): self = .size
        case ("torch", "device"): self = .device
        case ("torch.storage", "UntypedStorage"): self = .untypedStorage
        case ("collections", "OrderedDict"): self = .orderedDict
        case ("builtins", "set"), ("__builtin__", "set"): self = .set
        case ("_codecs", "encode"): self = .codecsEncode
        case ("torch", _):
            if let type = ElementType(torchStorageName: name) {
                self = .storage(type)
            } else if Self.dtypes.contains(name) {
                self = .dtype(name)
            } else {
                return nil
            }
        default:
            guard Self.inertNames.contains("\(module).\(name)") || Self.isOptimizer(module: module, name: name) else {
                return nil
            }
            self = .inert(module: module, name: name)
        }
    }

    private static let dtypes: Set<String> = [
        "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "uint16", "uint32",
        "uint64", "bool", "complex64", "complex128",
    ]

    /// Holders of hyper-parameters that Lightning writes into checkpoints: the optimiser factory of a model, mappings
    /// with attribute access, and paths.
    private static let inertNames: Set<String> = [
        "functools.partial",
        "lightning.fabric.utilities.data.AttributeDict",
        "lightning_fabric.utilities.data.AttributeDict",
        "pytorch_lightning.utilities.parsing.AttributeDict",
        "argparse.Namespace",
        "jsonargparse.namespace.Namespace",
        "jsonargparse._namespace.Namespace",
        "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib._local.PosixPath", "pathlib._local.WindowsPath",
    ]

    private static func isOptimizer(module: String, name: String) -> Bool {
        (module == "torch.optim" || module.hasPrefix("torch.optim."))
            && !name.isEmpty && name.utf8.allSatisfy { UInt8(ascii: "A") <= $0 && $0 <= UInt8(ascii: "z") || 48...57 ~= $0 }
    }

    var qualifiedName: (module: String, name: String) {
        switch self {
        case .rebuildTensor: ("torch._utils", "_rebuild_tensor")
        case .rebuildTensorV2: ("torch._utils", "_rebuild_tensor_v2")
        case .rebuildTensorV3: ("torch._utils", "_rebuild_tensor_v3")
        case .rebuildParameter: ("torch._utils", "_rebuild_parameter")
        case .storage(let type): ("torch", type.torchStorageName)
        case .untypedStorage: ("torch.storage", "UntypedStorage")
        case .dtype(let name): ("torch", name)
        case .size: ("torch", "Size")
        case .device: ("torch", "device")
        case .orderedDict: ("collections", "OrderedDict")
        case .set: ("builtins", "set")
        case .codecsEncode: ("_codecs", "encode")
        case .inert(let module, let name): (module, name)
        }
    }
}
