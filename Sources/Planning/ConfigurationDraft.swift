import Configuration
import Devices
import Foundation
import LAMData
import LAMTrain
import Reports
import Tensor

/// A first configuration for some datasets on this machine, with comments that say why.
public struct ConfigurationDraft {
    private let surveys: [DatasetSurvey]
    private let root: String?
    private let rate: Double?
    private let size: ModelSize
    private let device: String
    private let isAccelerated: Bool
    private let seconds: Double
    private var steps: Int
    /// What as many steps take as codes need to say something; nil before it was measured.
    private var secondsOfEnough: Double?
    /// What the run was measured to take.
    public private(set) var cost: RunCost?

    /// - Parameters:
    ///   - root: folder below which the entries lie; nil where they are absolute or on the hub.
    ///   - fps: frames per second that were asked for.
    ///   - seconds: that the training may take.
    ///   - threads: of the arithmetic; nil for the CPUs that the process may use.
    /// - Throws: `DeviceError`.
    public init(
        _ surveys: [DatasetSurvey], root: String?, fps: Double?, seconds: Double, environment: [String: String],
        threads: Int?
    ) throws {
        (self.surveys, self.root, rate, self.seconds) = (surveys, root, fps, seconds)
        let backend = try Device.open(.auto, threads: threads, environment: environment, announce: nil)
        (device, isAccelerated) = (backend.summary, !(backend is CPUBackend))
        let gflops = ProductCeiling.measure(backend, isAccelerated ? .bf16 : .off, ProductCeiling.brief)
        let shortSide = surveys.map { min($0.pictureSize.width, $0.pictureSize.height) }.min() ?? ModelSize.all[0].patch
        size = .fitting(seconds: seconds, gflops: gflops, shortSide: shortSide)
        steps = Self.mostSteps
    }

    private static let stepsInRound = 100
    private static let fewestSteps = 200
    private static let mostSteps = 20_000

    /// Measures the run, and sets its steps to what the time allows.
    ///
    /// - Parameter budget: seconds that the measurement may take.
    /// - Throws: what `RunEstimator` throws.
    public mutating func measure(budget: Double, environment: [String: String], threads: Int?) throws {
        let configuration = try LAMConfiguration.read(YAMLComposer.compose(text, source: .file("lam.yaml")))
            .configuration
        var cost = try RunEstimator(configuration, environment: environment, threads: threads).measure(budget: budget)
        let rate = cost.measured.sustainedSamplesPerSecond
        let perStep = Double(size.batch) + cost.validationSamples / 3 / Double(steps)
        let affordable = Int(min(seconds * rate / perStep, Double(Self.mostSteps)))
        secondsOfEnough = Double(ModelSize.fewestSteps) * perStep / rate
        let share = Double(steps)
        steps = max(Self.fewestSteps, affordable / Self.stepsInRound * Self.stepsInRound)
        cost.steps = steps
        cost.validationSamples *= Double(steps) / share
        cost.samples = Double(steps * size.batch)
        cost.seconds = RunCost.seconds(
            training: Double(steps * size.batch), validation: cost.validationSamples, rate: rate)
        self.cost = cost
    }

    /// Of the runs' folders and checkpoints.
    private var name: String {
        let allowed = surveys.first?.report.name.split(separator: "/").last.map(String.init) ?? "lam"
        let plain = allowed.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "_" }
        let name = String(plain).drop { $0 == "." }
        return name.isEmpty ? "lam" : String(name)
    }

    private var side: Int {
        size.side(shortSide: surveys.map { min($0.pictureSize.width, $0.pictureSize.height) }.min() ?? size.resolution)
    }

    /// The configuration, which `lam fit` takes as it is.
    public var text: String {
        """
        # Written by `lam init` for these datasets and this machine. Change what you like: `lam fit --help` has every option.
        #   lam inspect \(Self.fileName) --pairs pairs.png      # what the model is fed
        #   lam fit --config \(Self.fileName)
        #   lam validate --config \(Self.fileName) --ckpt_path last
        #   lam predict --config \(Self.fileName) --ckpt_path last
        #
        \(surveys.flatMap(\.facts).map { "# " + $0.printableLine }.joined(separator: "\n"))
        #
        # Machine: \(device.printableLine)
        \(costComment)
        model:
          vision_encoder: pixels        # predicts the frames themselves; frozen encoders need weights: docs/models.md
          lam_model_dim: \(size.width)
          lam_latent_dim: \(ModelSize.latentDim)
          lam_num_latents: \(ModelSize.codes)           # codes
          lam_patch_size: \(size.patch)
          lam_enc_blocks: \(size.blocks)
          lam_dec_blocks: \(size.blocks)
          lam_num_heads: \(size.heads)
          optimizer:
            class_path: torch.optim.AdamW
            init_args:
              lr: \(YAMLWriter.inline(.double(size.learningRate)))
              weight_decay: 1.0e-2
          lr_scheduler:
            schedule: cosine
            warmup_steps: \(min(100, steps / 5))
          task_name: \(quoted(name))

        data:
        \(dataLines.map { "  " + $0 }.joined(separator: "\n"))

        trainer:
          max_epochs: -1
          max_steps: \(steps)              # \(stepsComment)
          check_val_every_n_epoch: null
          val_check_interval: \(max(Self.fewestSteps / 2, steps / 10))     # batches
          log_every_n_steps: 20
          health_every_n_steps: \(max(Self.fewestSteps / 2, steps / 20))
          gradient_clip_val: 1.0
        \(isAccelerated ? "  precision: bf16-mixed\n" : "")\
          callbacks:
            - class_path: lightning.pytorch.callbacks.ModelCheckpoint
              init_args:
                dirpath: \(quoted("./logs/\(name)"))
                save_last: true
                every_n_train_steps: \(max(Self.fewestSteps / 2, steps / 10))
          logger:
            - class_path: lightning.pytorch.loggers.TensorBoardLogger
              init_args:
                save_dir: ./logs
                name: \(quoted(name))

        """
    }

    /// The file that `lam init` writes where nothing else is asked for.
    public static let fileName = "lam.yaml"

    private var stepsComment: String {
        let allowed = "what \(ProgressLine.duration(seconds)) allow here, "
        return steps == Self.fewestSteps
            ? allowed + "or more: \(Self.fewestSteps) show that it works, and no more"
            : allowed + (isShort ? "few for codes that say something" : "\(Self.mostSteps) at most")
    }

    private var isShort: Bool { steps < ModelSize.fewestSteps }

    /// What a run that is too short for its codes should rather get.
    public var shortRunNote: String? {
        guard isShort, let secondsOfEnough else { return nil }
        let minutes = Int((secondsOfEnough / 60).rounded(.up))
        return "\(steps) steps are few: codes of real recordings say little before some thousand, and "
            + "\(ModelSize.fewestSteps) take about \(ProgressLine.duration(secondsOfEnough)) here; --minutes \(minutes) plans for them"
    }

    private var costComment: String {
        guard let cost else { return "#" }
        let lines = cost.text.split(separator: "\n").filter { !$0.hasPrefix("device") }
        return lines.map { "#   \(String($0).printableLine)" }.joined(separator: "\n")
    }

    private var dataLines: [String] {
        var lines = root.map { ["root: \(quoted($0))"] } ?? []
        lines.append("dataset_mix:                 # [name, sampling weight]")
        lines += surveys.map { "  - [\(quoted($0.entry)), 1.0]" }
        let ambiguous = surveys.filter { !$0.otherCameras.isEmpty }
        if !ambiguous.isEmpty {
            lines.append("image_keys:                  # part of a dataset's name, camera; the first that fits counts")
            for survey in ambiguous {
                lines.append("  - [\(quoted(survey.report.name)), \(quoted(survey.camera))]")
                lines.append("    # others: \(survey.otherCameras.joined(separator: ", ").printableLine)")
            }
        }
        if surveys.contains(where: \.skipsBadSamples) {
            lines.append("on_bad_sample: skip          # videos are missing: their episodes are left out")
        }
        if let rate { lines += ["fps:", "  \"\": \(YAMLWriter.inline(.double(rate)))"] }
        let shortest = surveys.map(\.report.lengths.median).min() ?? 0
        let fits = surveys.allSatisfy(\.fitsWindow)
        lines += [
            fits
                ? "window: auto                 # frames that a pair spans, by name or frame rate; or a number"
                : "window: \(max(2, Int(shortest / 2)))                    # episodes are too short for `auto`",
            "resolution: \(side)               # a multiple of lam_patch_size; frames are cut to squares",
            "batch_size: \(size.batch)",
            "val_fraction: \(YAMLWriter.inline(.double(heldOut)))             # share of the episodes that is held out",
        ]
        return lines
    }

    /// Enough to judge by, if there are enough episodes.
    private var heldOut: Double {
        let episodes = surveys.reduce(0) { $0 + $1.report.totalEpisodes }
        return episodes >= 20 ? 0.1 : episodes >= 5 ? 0.2 : 0
    }

    private func quoted(_ text: String) -> String { YAMLWriter.inline(.string(text)) }
}
