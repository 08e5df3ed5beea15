import Foundation
import LAM
import Tensor

/// Replays reference tensors written by PyTorch: `lam parity DIR`.
///
/// A case is a folder; its name is its kind. Its layout is that of the reference data's README, its sizes come from its
/// `config.json`.
public enum ParityRunner {
    typealias Replay = @Sendable (_ folder: String) throws -> ParityReport

    /// Kinds that can be replayed, by folder name.
    static let kinds: [String: Replay] = [
        "dinov2": { try DINOv2Parity(folder: $0).run() },
        "dinov3": { try DINOv3Parity(folder: $0).run() },
        "fsq": { try ScalarQuantizerParity(folder: $0).run() },
        "lam_stage1": { try StageOneParity(folder: $0).run() },
        "lam_stage1_text": { try LanguageParity(folder: $0).run() },
        "lam_stage2": { try StageTwoParity(folder: $0).run() },
        "lawam_ae": { try LawamParity(folder: $0).run() },
        "lawam_blocks": { try LawamBlocksParity(folder: $0).run() },
        "lawam_dino": { try LawamEncoderParity(folder: $0).run() },
        "lawam_ema": { try LawamParity(folder: $0).run() },
        "lawam_eval": { try LawamEvaluationParity(folder: $0).run() },
        "lawam_losses": { try LawamLossesParity(folder: $0).run() },
        "lawam_nsvq": { try LawamParity(folder: $0).run() },
        "lawam_positions": { try LawamPositionsParity(folder: $0).run() },
        "lawam_spec": { try LawamSpecParity(folder: $0).run() },
        "lawam_state": { try LawamParity(folder: $0).run() },
        "lawam_vae": { try LawamParity(folder: $0).run() },
        "lawam_vq": { try LawamParity(folder: $0).run() },
        "lawam_vq_ops": { try BottleneckParity(folder: $0).run() },
        "lightning_ckpt": { try LightningCheckpointParity(folder: $0).run() },
        "t5base": { try TextEncoderParity(folder: $0).run() },
        "latents_pth": { try LatentExtractionParity(folder: $0).run() },
        "tokenizer": { try PromptTokenizerParity(folder: $0).run() },
        "umt5": { try UMT5Parity(folder: $0).run() },
        "vae": { try WanVAEParity(folder: $0).run() },
        "vq": { try VectorQuantizerParity(folder: $0).run() },
    ]

    /// The case folders in `path` (or `path` itself) that can be replayed, and those that look like cases but cannot.
    ///
    /// - Throws: `ParityError.noFolder`.
    public static func cases(in path: String) throws -> (known: [String], unknown: [String]) {
        let root = URL(fileURLWithPath: path).standardizedFileURL
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: root.path, isDirectory: &isDirectory), isDirectory.boolValue else {
            throw ParityError.noFolder(path: path)
        }
        var known: [String] = []
        var unknown: [String] = []
        func visit(_ folder: URL) {
            if replay(of: folder.path) != nil { return known.append(folder.path) }
            let children =
                (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: [.isDirectoryKey]))
                ?? []
            let folders = children.filter { (try? $0.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true }
            if children.contains(where: { $0.lastPathComponent == "config.json" }) {
                return unknown.append(folder.path)
            }
            folders.sorted { $0.path < $1.path }.forEach(visit)
        }
        visit(root)
        return (known, unknown)
    }

    /// How a folder is replayed: by its name, or as a model of LaWAM's where its configuration describes one under another name.
    private static func replay(of folder: String) -> Replay? {
        let name = URL(fileURLWithPath: folder).lastPathComponent
        if let replay = kinds[name] { return replay }
        guard name.hasPrefix("lawam_"), let config = try? ParityConfig(folder: folder),
            (try? config.string("vq_type")) != nil, (try? config.integers("grid_hw", in: 1...1024)) != nil
        else { return nil }
        return { try LawamParity(folder: $0).run() }
    }

    /// - Parameter backend: what the replay computes on; nil for the CPU.
    public static func run(case folder: String, on backend: (any Backend)? = nil) throws -> ParityReport {
        guard let replay = replay(of: folder) else {
            throw ParityError.unknownKind(folder: folder, known: kinds.keys.sorted())
        }
        return try ParityBackend.$given.withValue(backend) { try replay(folder) }
    }
}

/// What stops a replay before anything can be compared.
public enum ParityError: Error, CustomStringConvertible, Equatable {
    case noFolder(path: String)
    case unknownKind(folder: String, known: [String])
    case badConfig(path: String, key: String)
    case badTensor(path: String, name: String, expected: String, got: [Int])
    case missingStep(path: String, step: Int)

    public var description: String {
        switch self {
        case .noFolder(let path): "cannot read cases: \(path): expected a folder; check the path"
        case .unknownKind(let folder, let known):
            "cannot replay \(folder): its name is no known kind; expected one of \(known.joined(separator: ", "))"
        case .badConfig(let path, let key):
            "cannot replay: \(path): expected `\(key)` to describe a model; check the file"
        case .badTensor(let path, let name, let expected, let got):
            "cannot replay: \(path): `\(name)`: expected \(expected), got shape \(got); check the file"
        case .missingStep(let path, let step):
            "cannot replay: \(path): expected all values of step \(step), got fewer; check the file"
        }
    }
}

/// `config.json` of a case: numbers by dotted key.
struct ParityConfig {
    private let path: String
    private let values: [String: Any]

    init(folder: String) throws {
        path = folder + "/config.json"
        let data = try Data(contentsOf: URL(fileURLWithPath: path))
        values = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    }

    /// What lies at a path of keys.
    func value(_ keys: [String]) -> Any? {
        keys.reduce(values) { value, key in (value as? [String: Any])?[key] }
    }

    func fault(_ keys: [String]) -> ParityError {
        .badConfig(path: path, key: keys.joined(separator: "."))
    }

    func double(_ keys: String...) throws -> Double {
        guard let number = (value(keys) as? NSNumber)?.doubleValue else { throw fault(keys) }
        return number
    }

    /// A small positive number.
    func integer(_ keys: String...) throws -> Int {
        guard let number = (value(keys) as? NSNumber).flatMap({ Int(exactly: $0) }), (1...100_000).contains(number)
        else { throw fault(keys) }
        return number
    }

    /// A positive size; bounded, as the folder may come from anywhere.
    func int(_ key: String, atMost limit: Double = 100_000) throws -> Int {
        let value = try double(key)
        guard value >= 1, value <= limit, value == value.rounded() else {
            throw ParityError.badConfig(path: path, key: key)
        }
        return Int(value)
    }

    /// A list of names.
    func strings(_ key: String) throws -> [String] {
        guard let strings = values[key] as? [String] else { throw ParityError.badConfig(path: path, key: key) }
        return strings
    }

    /// The model that the case was made with.
    /// - Parameter codes: the key of the trained codebook's size.
    func modelOptions(beta: Double, codes: String = "num_latents") throws -> LatentActionModelOptions {
        let options = LatentActionModelOptions(
            modelDim: try int("model_dim"), latentDim: try int("latent_dim"), numLatents: try int(codes),
            encBlocks: try int("enc_blocks", atMost: 100), decBlocks: try int("dec_blocks", atMost: 100),
            numHeads: try int("num_heads"), vqBeta: Float(beta), usage: .original)
        guard options.modelDim % options.numHeads == 0 else {
            throw ParityError.badConfig(path: path, key: "num_heads")
        }
        return options
    }
}
