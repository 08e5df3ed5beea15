import Formats
import Foundation
import LAM

/// What can be wrong with a checkpoint, or with the callbacks whose state it holds: facts in the cases, wording in `description`.
public enum CheckpointError: Error, Equatable, Sendable {
    /// The file itself cannot be read or written.
    case file(FormatError)
    case missingKey(path: String, key: String)
    case wrongType(path: String, key: String, expected: String)
    case missingTensors(path: String, names: [String])
    case shape(path: String, tensor: String, expected: [Int], got: [Int])
    /// An optimiser's state with other groups of parameters, by their sizes.
    case parameterGroups(path: String, expected: [Int], got: [Int])
    /// A file name whose ending names no format that can be written.
    case unknownFormat(path: String, known: [String])
    case fileExists(path: String)
    /// A conversion onto its own source.
    case sameFile(path: String)
    /// `--ckpt_path last` or `best` where there is none, or a path that leads to no file, for which nothing was searched.
    case notFound(requested: String, searched: [String])
    /// `model.stage_one_ckpt` is no file.
    case noStageOne(path: String)
    /// `model.stage_one_ckpt` without the codebook that stage 2 is for.
    case noStageOneCodebook(path: String, expected: String, keys: Int)
    /// A value that a callback is to watch, which nothing logs.
    case unknownMonitor(name: String, known: [String])
    /// Views that repeat so little data so often that they are no model.
    case repeatsTooMuch(path: String, bytes: Int, limit: Int)
}

extension CheckpointError: CustomStringConvertible, LocalizedError {
    public var errorDescription: String? { description }

    public var description: String {
        switch self {
        case .file(let error): error.description
        case .missingKey(let path, let key): "cannot load checkpoint: \(path): '\(key)' is missing"
        case .wrongType(let path, let key, let expected):
            "cannot load checkpoint: \(path): '\(key)': expected \(expected), got something else"
        case .missingTensors(let path, let names):
            "cannot load checkpoint: \(path): \(names.count) tensors of the model are missing: "
                + names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", …" : "")
        case .shape(let path, let tensor, let expected, let got):
            "cannot load checkpoint: \(path): tensor '\(tensor)': expected shape \(expected), got \(got)"
        case .parameterGroups(let path, let expected, let got):
            "cannot resume: \(path): 'optimizer_states': expected groups of \(expected) parameters, got \(got); set "
                + "model.optimizer.init_args.no_decay to what it was trained with"
        case .unknownFormat(let path, let known):
            "cannot convert: \(path): expected a name that ends in \(known.joined(separator: ", "))"
        case .fileExists(let path): "cannot convert: \(path): the file exists; give --overwrite to replace it"
        case .sameFile(let path): "cannot convert: \(path): it is the file to convert; give another name"
        case .notFound(let requested, []):
            "cannot find checkpoint: --ckpt_path \(requested): expected a checkpoint's file, found none; give its path, or "
                + "last or best with the --config of its run"
        case .notFound(let requested, let searched):
            "cannot find checkpoint: --ckpt_path \(requested): expected a checkpoint, found none in "
                + "\(searched.joined(separator: ", ")); give its path"
        case .noStageOne(let path):
            "cannot start stage 2: model.stage_one_ckpt: \(path): expected a stage-1 checkpoint, found no file; "
                + "give its path"
        case .noStageOneCodebook(let path, let expected, let keys):
            "cannot start stage 2: model.stage_one_ckpt: \(path): expected '\(expected)', found none among "
                + "\(keys) tensors; give a checkpoint of a stage 1 whose bottleneck has a codebook: "
                + BottleneckKind.all.filter(\.hasCodebook).map(\.name).joined(separator: ", ")
        case .unknownMonitor(let name, let known):
            "cannot watch a value: monitor \(name): expected one of \(known.joined(separator: ", "))"
        case .repeatsTooMuch(let path, let bytes, let limit):
            "cannot convert: \(path): its tensors repeat what the file holds to \(bytes) bytes; expected at most \(limit)"
        }
    }
}
