import Formats
import Foundation
import OrderedCollections

/// Rewrites a model's tensors in another file format; every tensor keeps its name, type, shape and bits.
///
/// Tensors that share a storage share it in torch files, too; safetensors has no such thing, and each gets its own
/// bytes. Nothing in a source is executed; tensors are streamed from the memory-mapped file.
public struct CheckpointConversion: Sendable {
    /// How many there were.
    public let tensors: Int
    /// Bytes of all tensors, shared ones counted each time.
    public let bytes: Int
    public let source: CheckpointFormat
    public let target: CheckpointFormat

    /// Converts a file.
    ///
    /// - Parameters:
    ///   - input: a Lightning checkpoint, a state dict by itself or under `state_dict`, `model`, `module` or
    ///     `model_state_dict`, or safetensors; its
    ///     bytes tell which.
    ///   - output: its ending tells the format. From one Lightning checkpoint to another everything is kept: optimiser,
    ///     loops, callbacks, hyper-parameters. A bare state dict becomes a checkpoint of epoch 0, and its names get the
    ///     prefix `lam.` unless some have it already. Names stay as they are in all other cases.
    ///   - overwrites: whether `output` may exist.
    /// - Throws: `CheckpointError`; `output` is then as it was before.
    public init(from input: String, to output: String, overwrites: Bool) throws(CheckpointError) {
        target = try CheckpointFormat(path: output)
        try Self.requireFree(output, besides: input, overwrites: overwrites)
        let content: Content
        do throws(FormatError) {
            content = try Content(path: input)
        } catch {
            throw .file(error)
        }
        source = content.format
        tensors = content.tensors.count
        bytes = content.tensors.values.reduce(0) { $0 + $1.byteCount }
        guard target != .safeTensors || bytes <= content.expansionLimit else {
            throw .repeatsTooMuch(path: input, bytes: bytes, limit: content.expansionLimit)
        }
        do throws(FormatError) {
            try content.write(to: output, as: target)
        } catch {
            throw .file(error)
        }
    }

    private static func requireFree(
        _ output: String, besides input: String, overwrites: Bool
    ) throws(CheckpointError) {
        var own = stat()
        guard stat(output, &own) == 0 else { return }
        var other = stat()
        // By identity, not by name: links may lead from one to the other.
        if stat(input, &other) == 0, own.st_dev == other.st_dev, own.st_ino == other.st_ino {
            throw .sameFile(path: output)
        }
        guard own.st_mode & S_IFMT == S_IFREG else { throw .file(.notAFile(path: output)) }
        guard overwrites else { throw .fileExists(path: output) }
    }
}

/// What a file to be converted holds.
private struct Content {
    let format: CheckpointFormat
    let tensors: OrderedDictionary<String, TorchTensor>
    /// Of a safetensors file.
    let metadata: OrderedDictionary<String, String>
    /// The saved object of a Lightning checkpoint.
    private let checkpoint: PickleValue?

    init(path: String) throws(FormatError) {
        guard try TorchFile.hasMagic(path: path) else {
            let file = try SafeTensors(path: path)
            format = .safeTensors
            tensors = file.tensors.mapValues { TorchTensor($0) }
            metadata = file.metadata
            checkpoint = nil
            return
        }
        // Checksums too: a copy must not make a damaged file look sound.
        let root = try TorchFile(path: path).root
        let dict = try root.requireStateDict(path: path)
        var tensors: OrderedDictionary<String, TorchTensor> = [:]
        for (key, value) in dict.entries {
            guard case .string(let name) = key, let tensor = value.tensor else { continue }
            tensors[name] = tensor
        }
        let isLightning = root["pytorch-lightning_version"] != nil && root["state_dict"] != nil
        format = isLightning ? .lightning : .stateDict
        self.tensors = tensors
        metadata = [:]
        // `isLightning ? root : nil` would be Python's None, which a nil literal also means.
        checkpoint = isLightning ? .some(root) : Optional.none
    }

    /// Tied weights share a storage two or three times; a few bytes that stand for terabytes are an attack.
    var expansionLimit: Int {
        var storages: Set<ObjectIdentifier> = []
        var bytes = 64 << 20
        for tensor in tensors.values where storages.insert(ObjectIdentifier(tensor.storage)).inserted {
            bytes += 4 * tensor.storage.elements.byteCount
        }
        return bytes
    }

    func write(to path: String, as format: CheckpointFormat) throws(FormatError) {
        switch format {
        case .safeTensors:
            // The key by which Hugging Face's loaders know whose layout of weights it is.
            var metadata = metadata
            metadata["format"] = metadata["format"] ?? "pt"
            try SafeTensors.write(tensors.mapValues { $0.contiguous() }, metadata: metadata, to: path)
        case .stateDict:
            try TorchFile.write(.dict(stateDict(prefix: "")), to: path)
        case .lightning:
            // Lightning saves through a stream, for which torch names the root folder "archive".
            try TorchFile.write(checkpoint ?? newCheckpoint, to: path, rootFolder: "archive")
        }
    }

    /// The least that Lightning loads.
    private var newCheckpoint: PickleValue {
        // The original's Lightning module has the model as its member `lam`.
        let prefix = LightningCheckpoint.modelPrefix
        let isPrefixed = tensors.keys.contains { $0.hasPrefix(prefix) }
        return [
            "epoch": 0,
            "global_step": 0,
            "pytorch-lightning_version": .string(LightningCheckpoint.lightningVersion),
            "state_dict": .dict(stateDict(prefix: isPrefixed ? "" : prefix)),
            "callbacks": [:],
            "optimizer_states": [],
            "lr_schedulers": [],
        ]
    }

    private func stateDict(prefix: String) -> PickleDict {
        var dict = PickleDict([:], isOrderedDict: true)
        for (name, tensor) in tensors { dict[.string(prefix + name)] = .tensor(tensor) }
        return dict
    }
}

extension TorchTensor {
    /// Bytes of the tensor as a dense array.
    fileprivate var byteCount: Int { elementType.byteCount(shape: shape) ?? 0 }
}
