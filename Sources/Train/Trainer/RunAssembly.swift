import Checkpoints
import Configuration
import Devices
import Foundation
import LAM
import LAMData
import Loggers
import NN
import Tensor

/// What training and everything that uses a trained model open alike: the datasets of a configuration, the checkpoint
/// to start from, the device, and the frozen encoders.
package struct RunAssembly {
    package let configuration: LAMConfiguration
    package let datasets: [OpenedSource]
    package let checkpoint: LightningCheckpoint?
    let backend: any Backend
    package let encoders: FrozenEncoders
    /// What the user should know of the configured precision on this device, if anything.
    package let precisionAdvice: String?

    var sources: [StreamSource] { datasets.map(\.source) }

    /// - Parameters:
    ///   - checkpointRequest: `last`, `best` or a path; nil for none.
    ///   - cameras: which of each dataset.
    ///   - environment: the process's variables, which say where pretrained weights and the hub are.
    ///   - isCancelled: ends a wait for the hub; asked from any thread.
    ///   - threads: compute threads where the configuration names none; nil for the CPUs that the process may use.
    ///   - backend: the device, where it is open already.
    ///   - announce: takes lines for the user from any thread, as long as the backend is there.
    ///   - note: takes lines for the user.
    /// - Throws: errors of the device, the datasets, the encoders and the checkpoint.
    package init(
        _ configuration: LAMConfiguration, checkpointRequest: String?, cameras: CameraSelection = .configured,
        environment: [String: String], isCancelled: @escaping @Sendable () -> Bool = { false }, threads: Int?,
        backend given: (any Backend)? = nil, announce: (@Sendable (String) -> Void)? = nil, note: (String) -> Void
    ) throws {
        self.configuration = configuration
        let (model, trainer) = (configuration.model, configuration.trainer)
        let options = configuration.data.stream(for: model)
        try options.validate()
        var hub = try HubAccess(environment: environment)
        hub.isCancelled = isCancelled
        if let announce { hub.announce = announce }
        datasets = try OpenedSource.open(options, hub: hub, cameras: cameras)
        for line in datasets.flatMap(\.source.notes) { note(line) }
        checkpoint = try checkpointRequest.map {
            try CheckpointLocator.open($0, directories: trainer.checkpointDirectories(environment), note: note)
        }
        let backend =
            try given
            ?? Device.open(
                DeviceChoice(trainer.accelerator), usesTF32: trainer.precision == .tf32,
                threads: trainer.numThreads ?? threads, environment: environment, announce: announce)
        self.backend = backend
        precisionAdvice = trainer.precision.advice(on: backend)
        if let checkpoint { try Self.requireSameModel(checkpoint, model) }
        encoders = try FrozenEncoders(
            model, files: PretrainedFiles(environment: environment), resuming: checkpoint,
            autocast: trainer.precision.autocast, on: backend)
        for line in encoders.notes { note(line) }
        if let checkpoint { try encoders.requireSame(as: checkpoint) }
        try encoders.checkInstructions(of: datasets.map(\.source))
    }

    /// The configured module with its initial weights; those of the checkpoint are for the caller to restore.
    ///
    /// - Parameters:
    ///   - sharding: what the optimiser updates of the store, where not everything.
    ///   - note: takes lines for the user.
    package func module(
        seed: UInt64, sharding: ((ParameterStore) -> [Range<Int>])?, note: (String) -> Void
    ) throws -> LAMModule {
        try LAMModule.make(
            configuration.model, featureWidth: encoders.vision.featureWidth,
            languageWidth: encoders.text?.encoder.configuration.width, backend: backend, seed: seed,
            autocast: configuration.trainer.precision.autocast, sharding: sharding, resuming: checkpoint, note: note)
    }

    /// Weights of another stage, without their language or for another encoder's features of equal width would load
    /// without complaint and mean nothing.
    private static func requireSameModel(_ checkpoint: LightningCheckpoint, _ model: ModelConfiguration) throws {
        func has(_ name: String) -> Bool { checkpoint.stateDict[LightningCheckpoint.modelPrefix + name] != nil }
        let family = model.family
        let kind = ModelFamilies.kind(ofStateDict: has)
        guard kind == family.kind else {
            throw TrainerError.otherModel(
                path: checkpoint.path, expected: family.kind, got: kind,
                remedy: family.remedy(forCheckpointOf: kind))
        }
        let options = checkpoint.hyperParameters?.values
        // Older checkpoints name none.
        let named = options?["bottleneck"]
        let bottleneck = named?.string ?? named?["class_path"]?.string ?? BottleneckKind.all[0].name
        let configuredBottleneck = model.bottleneck.choice.kind.name
        guard bottleneck == configuredBottleneck else {
            throw TrainerError.otherModel(
                path: checkpoint.path, expected: configuredBottleneck, got: bottleneck,
                remedy: "set model.bottleneck to \(bottleneck)")
        }
        try checkpoint.requireSameMeaning(as: model)
        guard has("lang_proj.weight") == (model.textEncoder != .none) else {
            throw TrainerError.otherTextEncoder(path: checkpoint.path, hasLanguage: has("lang_proj.weight"))
        }
        let configured = model.visionEncoder
        // Foreign checkpoints do not name their frozen encoder: they hold it.
        let frozen = VisionEncoderChoice(ofWeights: {
            checkpoint.stateDict["\(LightningCheckpoint.modelPrefix)\(family.layout.visionEncoder).\($0)"]?.shape
        })
        let trainedWith = options?["vision_encoder"]?.string ?? (frozen ?? configured).rawValue
        guard trainedWith == configured.rawValue else {
            throw TrainerError.otherEncoder(
                path: checkpoint.path, trainedWith: trainedWith, configured: configured.rawValue)
        }
    }
}

extension TrainerConfiguration {
    /// Opens the configured devices of this process, whose backends train together where they are several.
    ///
    /// - Parameters:
    ///   - threads: compute threads of the CPU where the configuration names none.
    ///   - environment: the process's variables, which say where plugins are.
    ///   - announce: takes lines for the user from any thread.
    /// - Throws: `DeviceError`.
    public func openDevices(
        threads: Int?, environment: [String: String], announce: (@Sendable (String) -> Void)?
    ) throws(DeviceError) -> [any Backend] {
        let selection: Device.Selection =
            switch devices {
            case .auto: .all
            case .count(let count): .first(count)
            case .chosen(let places): .chosen(places)
            }
        return try Device.open(
            DeviceChoice(accelerator), devices: selection, usesTF32: precision == .tf32,
            threads: numThreads ?? threads, environment: environment, announce: announce)
    }
}

extension DeviceChoice {
    /// What a configuration's name means here; parsing has told what there is none of.
    init(_ name: AcceleratorName) {
        self =
            switch name {
            case .auto: .auto
            case .cpu, .mps, .hpu: .cpu
            case .gpu: .gpu
            case .cuda: .cuda
            case .tpu: .tpu
            case .pjrtCPU: .pjrtCPU
            }
    }
}

extension TrainerConfiguration {
    /// Where the configured callbacks keep, or kept, their files.
    fileprivate func checkpointDirectories(_ environment: [String: String]) -> [String] {
        let explicit = checkpoints.compactMap(\.dirpath)
        guard explicit.isEmpty else { return explicit }
        guard !loggers.isEmpty else { return [(defaultRootDir ?? ".") + "/checkpoints"] }
        let start = LoggerStart(
            defaultRoot: defaultRootDir ?? ".", hyperParameters: .map([:]), environment: environment)
        return loggers.flatMap { logger -> [String] in
            guard let folder = (logger as? any OpenableLogger)?.runsFolder(start) else { return [] }
            let runs = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return runs.sorted().map { "\(folder)/\($0)/checkpoints" }
        }
    }
}
