/// What a file of weights can be written as, by the ending of its name.
public enum CheckpointFormat: String, Sendable {
    case safeTensors = "safetensors"
    /// What `torch.save(model.state_dict(), path)` writes.
    case stateDict = "state dict"
    /// A Lightning checkpoint, with the tensors under `state_dict`.
    case lightning = "Lightning checkpoint"

    private static let endings: [(ending: String, format: CheckpointFormat)] = [
        (".safetensors", .safeTensors), (".pth", .stateDict), (".pt", .stateDict), (".bin", .stateDict),
        (".ckpt", .lightning),
    ]

    /// - Throws: `CheckpointError.unknownFormat`.
    public init(path: String) throws(CheckpointError) {
        guard let match = Self.endings.first(where: { path.lowercased().hasSuffix($0.ending) }) else {
            throw .unknownFormat(path: path, known: Self.endings.map(\.ending))
        }
        self = match.format
    }
}
