import Formats
import Frozen

/// Takes an encoder's weights out of a file by name and shape, and keeps account: a tensor that nobody asked for is an
/// error, because a network without it would compute something else.
struct VisionWeightReader {
    private let file: WeightFile
    private var taken: Set<String> = []
    private var fingerprint = WeightFingerprint()

    /// - Parameter file: the encoder's own weights, or a LAM checkpoint that holds them.
    init(_ file: WeightFile) {
        self.file = file.visionEncoder
    }

    func has(_ name: String) -> Bool { file.tensors[name] != nil }

    func fault(_ fault: WeightFault) -> FormatError { .weights(path: file.path, fault) }

    /// How many blocks the names `blocks.<index>.…` speak of; at least one, so that the first is missed by name.
    var blockCount: Int {
        let indices = file.tensors.keys.lazy.compactMap { name -> Int? in
            let parts = name.split(separator: ".", maxSplits: 2)
            return parts.count == 3 && parts[0] == "blocks" ? Int(parts[1]) : nil
        }
        // An index beyond the number of tensors leaves a gap, which is found as a missing or unexpected tensor.
        return indices.filter { (0..<file.tensors.count).contains($0) }.reduce(0, max) + 1
    }

    /// A tensor's entry under the first of its names that the file has.
    func tensor(_ names: [String], _ shape: [Int]? = nil) throws(FormatError) -> StoredTensor {
        try file.tensor(names.first(where: has) ?? names[0], shape)
    }

    /// The elements of a tensor that is part of the network.
    ///
    /// - Parameter aliases: what other files call the same tensor.
    mutating func floats(
        _ name: String, aliases: [String] = [], _ shape: [Int]
    ) throws(FormatError) -> [Float] {
        let values = try take(([name] + aliases).first(where: has) ?? name, shape)
        record(name, shape: shape, values: values)
        return values
    }

    /// The elements of a tensor that only becomes part of the network in another form; see `record`.
    mutating func take(_ name: String, _ shape: [Int]) throws(FormatError) -> [Float] {
        let values = try file.tensor(name, shape).floats()
        taken.insert(name)
        return values
    }

    /// Adds a part of the network to the fingerprint: its name, shape and f32 values, in the order of the shape.
    mutating func record(_ name: String, shape: [Int], values: [Float]) {
        fingerprint.add(name, shape: shape, values: values)
    }

    /// Ends the reading.
    ///
    /// - Parameters:
    ///   - architecture: name and settings of the network, which the tensors do not tell.
    ///   - harmless: whether a tensor of this name may be left unread.
    /// - Returns: the fingerprint of what was read.
    /// - Throws: `FormatError.weights` that names the first tensor, in file order, that is neither.
    func finish(
        architecture: String, ignoring harmless: (_ name: String) -> Bool
    ) throws(FormatError) -> String {
        if let name = file.tensors.keys.first(where: { !taken.contains($0) && !harmless($0) }) {
            throw fault(.unexpected(name))
        }
        return fingerprint.text(architecture: architecture)
    }
}

extension WeightFile {
    /// Where a LAM checkpoint keeps its vision encoder, with and without the module's own name.
    private static let visionPrefixes = [
        "lam.dino_encoder.", "dino_encoder.", "lam.vision_encoder.model.", "vision_encoder.model.",
        "model.policy_backend.lam.vision_encoder.model.",
    ]

    /// The vision encoder's own tensors: those that a LAM checkpoint holds of it, or all of any other file.
    public var visionEncoder: WeightFile {
        let prefix = Self.visionPrefixes.first { prefix in tensors.keys.contains { $0.hasPrefix(prefix) } }
        return prefix.map(dropping(prefix:)) ?? self
    }
}
