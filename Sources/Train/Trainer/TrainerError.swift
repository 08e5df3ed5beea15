/// What ends a training run early.
public enum TrainerError: Error, Equatable, CustomStringConvertible {
    /// A loss or gradient norm that is not a number, at optimiser step `step` (from 0).
    case notFinite(what: String, value: Double, step: Int, checkpoint: String?)
    /// A checkpoint whose features come from another vision encoder than the configured one.
    case otherEncoder(path: String, trainedWith: String, configured: String)
    case noCheckpoint(requested: String, searched: [String])
    /// A value that ModelCheckpoint is to watch, which nothing logs.
    case unknownMonitor(name: String, known: [String])

    public var description: String {
        switch self {
        case .notFinite(let what, let value, let step, let checkpoint):
            "training stopped: step \(step): expected a finite \(what), got \(value); lower the learning rate"
                + (checkpoint.map { ", or go on from \($0)" } ?? "")
        case .otherEncoder(let path, let trainedWith, let configured):
            "cannot resume: \(path): it was trained on features of \(trainedWith), expected \(configured); "
                + "set model.vision_encoder to what it was trained with"
        case .noCheckpoint(let requested, let searched):
            "cannot resume: --ckpt_path \(requested): expected a checkpoint, found none in "
                + "\(searched.joined(separator: ", ")); give its path"
        case .unknownMonitor(let name, let known):
            "cannot rank checkpoints: monitor \(name): expected one of \(known.joined(separator: ", "))"
        }
    }
}
