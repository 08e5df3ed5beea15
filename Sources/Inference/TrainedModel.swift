import Collectives
import Configuration
import LAM
import LAMData
import Checkpoints
import LAMTrain
import Reports
import Tensor

/// A model from a checkpoint with the datasets of a configuration, for anything but training.
public final class TrainedModel {
    public let configuration: LAMConfiguration
    /// The checkpoint's file, its optimiser step, and a digest of its weights.
    public let checkpointPath: String
    public let globalStep: Int
    let weightsDigest: String
    /// Codes that had only just been restarted when the checkpoint was written.
    let unprovenCodes: Set<Int>
    let group: any ProcessGroup
    let encoders: FrozenEncoders
    let module: LAMModule
    let opened: [OpenedSource]
    var sources: [StreamSource] { opened.map(\.source) }

    /// - Parameters:
    ///   - checkpointRequest: `last`, `best` or a path.
    ///   - cameras: which of each dataset.
    ///   - environment: the process's variables, which say where pretrained weights and the hub are.
    ///   - threads: compute threads where the configuration names none; nil for the CPUs that the process may use.
    ///   - backend: the device, where it is open already.
    ///   - announce: takes lines for the user from any thread.
    ///   - note: takes lines for the user.
    /// - Throws: `ConfigurationError.missingValue` without a checkpoint; errors of the datasets, the encoders and the
    ///   checkpoint.
    public init(
        _ configuration: LAMConfiguration, checkpointRequest: String?, cameras: CameraSelection = .configured,
        environment: [String: String], group: any ProcessGroup = SingleProcess(), threads: Int?,
        backend: (any Backend)? = nil, announce: (@Sendable (String) -> Void)? = nil, note: (String) -> Void
    ) throws {
        guard let checkpointRequest else {
            throw ConfigurationError.missingValue(
                path: "ckpt_path", remedy: "give --ckpt_path PATH, or last or best of the run that the files describe")
        }
        self.configuration = configuration
        self.group = group
        let assembly = try RunAssembly(
            configuration, checkpointRequest: checkpointRequest, cameras: cameras, environment: environment,
            threads: threads, backend: backend, announce: announce, note: note)
        opened = assembly.datasets
        encoders = assembly.encoders
        // Nothing is trained, so nothing needs moments.
        module = try assembly.module(seed: 0, sharding: { _ in [] }, note: { _ in })
        if let checkpoint = assembly.checkpoint { try module.restoreWeights(checkpoint) }
        checkpointPath = assembly.checkpoint?.path ?? checkpointRequest
        globalStep = assembly.checkpoint?.globalStep ?? 0
        unprovenCodes = assembly.checkpoint?.unprovenCodes(of: module) ?? []
        weightsDigest = module.weightsDigest
        if let line = assembly.precisionAdvice { note(line) }
    }

    /// The options that a checkpoint was trained with, for `FitArguments.parse`.
    ///
    /// - Throws: `CheckpointError` of a file that cannot be read.
    public static func savedOptions(_ path: String) throws -> SavedOptions? {
        try CheckpointLocator.requireFile(path)
        let checkpoint = try LightningCheckpoint(contentsOf: path)
        guard let model = checkpoint.hyperParameters?.values.configValue else { return nil }
        return SavedOptions(
            path: path, model: model, data: checkpoint.dataHyperParameters?.values.configValue ?? .map([:]))
    }

    /// Lines about what is looked at.
    public var banner: [String] { [module.backend.summary, "\(checkpointPath), step \(globalStep)"] }

    /// What speaks against using the latents, if an evaluation of the checkpoint has said so.
    public var doubts: [String] {
        guard let found = EvaluationRecord.newest(ofCheckpoint: checkpointPath, step: globalStep),
            let doubt = found.record.verdict?.doubt
        else { return [] }
        return ["the evaluation of this checkpoint, \(found.path), says: \(doubt)"]
    }

    /// What the model makes of pairs. The order of samples and their pictures do not depend on the number of ranks.
    ///
    /// - Parameter readsStates: of the robots, which one of the losses depends on, and latents only where the encoder sees them.
    func encoder(_ cache: FeatureCache? = nil, readsStates: Bool = false) throws -> BatchEncoder {
        BatchEncoder(
            encoders, on: module.backend, cache: cache,
            states: readsStates || configuration.model.addsState
                ? try RobotStateReader(opened, configuration.model, on: module.backend)
                : nil,
            labels: readsStates ? try labels() : nil)
    }

    /// Of all pairs that have some, whatever share of them the model was trained with.
    private func labels() throws -> PairLabelReader? {
        var model = configuration.model
        model.labelShare = 1
        return try PairLabelReader(opened, model, seed: 0, on: module.backend)
    }
}
