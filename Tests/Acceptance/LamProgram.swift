import Foundation
import Checkpoints
import LAMTrain
import TestSupport
import Testing

/// The program `lam` as a user runs it: a process in a folder of its own.
final class LamProgram: Sendable {
    struct Result {
        let status: Int32
        let output: String
        let error: String
    }

    let folder: TemporaryFolder

    /// A model and a run so small that a step takes milliseconds; checkpoints every two steps.
    static let tinyConfiguration = """
        seed_everything: 7
        model:
          lam_model_dim: 32
          lam_latent_dim: 8
          lam_num_latents: 8
          lam_patch_size: 8
          lam_enc_blocks: 1
          lam_dec_blocks: 1
          lam_num_heads: 2
          vision_encoder: pixels
          restart_every_n_steps: 3
          optimizer:
            class_path: torch.optim.AdamW
            init_args:
              lr: 1e-3
              weight_decay: 1e-2
        data:
          root: \(Goldens.url("datasets").path)
          dataset_mix:
            - ["toto_push_lf_v21", 1.0]
          batch_size: 4
          resolution: 32
          image_aug: true
          buffer_size: 50
          num_workers: 1
        trainer:
          max_epochs: -1
          max_steps: 4
          log_every_n_steps: 1
          gradient_clip_val: 1.0
          num_threads: 1
          callbacks:
            - class_path: lightning.pytorch.callbacks.ModelCheckpoint
              init_args:
                dirpath: checkpoints
                save_last: true
                save_top_k: -1
                every_n_train_steps: 2
          logger:
            - class_path: lightning.pytorch.loggers.TensorBoardLogger
              init_args:
                save_dir: logs
                name: tiny

        """

    /// - Parameter changes: texts of the tiny configuration and what stands in their place.
    init(changing changes: [String: String] = [:]) throws {
        folder = try TemporaryFolder()
        let text = changes.reduce(Self.tinyConfiguration) { $0.replacingOccurrences(of: $1.key, with: $1.value) }
        _ = try folder.write(text)
    }

    /// A process in the program's folder, not started yet, and the files that take its output.
    func process(_ arguments: [String]) throws -> (process: Process, output: URL, error: URL) {
        let process = Process()
        // The program lies beside the test bundle.
        process.executableURL = Bundle.main.bundleURL.appendingPathComponent("lam")
        process.arguments = arguments
        process.currentDirectoryURL = folder.root
        // Files, not pipes: a full pipe would stop the process. Outside the folder, whose content tests compare.
        let stem = FileManager.default.temporaryDirectory.appendingPathComponent("lam-output-\(UUID().uuidString)")
        let output = stem.appendingPathExtension("out")
        let error = stem.appendingPathExtension("err")
        for file in [output, error] { try Data().write(to: file) }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: error)
        return (process, output, error)
    }

    /// Waits for a started process and takes its output.
    func result(of started: (process: Process, output: URL, error: URL)) throws -> Result {
        started.process.waitUntilExit()
        defer { for file in [started.output, started.error] { try? FileManager.default.removeItem(at: file) } }
        let died = started.process.terminationReason == .uncaughtSignal
        return Result(
            // As a shell reports it.
            status: (died ? 128 : 0) + started.process.terminationStatus,
            output: String(decoding: try Data(contentsOf: started.output), as: UTF8.self),
            error: String(decoding: try Data(contentsOf: started.error), as: UTF8.self))
    }

    func run(_ arguments: [String]) throws -> Result {
        let started = try process(arguments)
        try started.process.run()
        return try result(of: started)
    }

    func run(_ arguments: String...) throws -> Result { try run(arguments) }

    /// `lam fit` with the tiny configuration and more options.
    func fit(_ options: [String]) throws -> Result { try run(["fit", "--config", "config.yaml"] + options) }

    func fit(_ options: String...) throws -> Result { try fit(options) }

    /// The program in a shell, for which it is `$0` and its arguments are `$@`.
    func run(_ arguments: [String], inShell script: String) throws -> Result {
        let started = try process([])
        let program = started.process.executableURL?.path ?? "lam"
        // A test's thread may have signals blocked or ignored, which its processes would inherit.
        started.process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        started.process.arguments = ["--default-signal", "/bin/sh", "-c", script, program] + arguments
        try started.process.run()
        return try result(of: started)
    }

    /// `lam fit` in a shell that has run `setup` first.
    func fit(afterShell setup: String, _ options: String...) throws -> Result {
        try run(["fit", "--config", "config.yaml"] + options, inShell: "\(setup); exec \"$0\" \"$@\"")
    }

    /// The same as `count` processes under mpirun, on however few cores.
    func fit(ranks count: Int, _ options: [String]) throws -> Result {
        let started = try process(ranks: count, ["fit", "--config", "config.yaml"] + options)
        try started.process.run()
        return try result(of: started)
    }

    /// `train.sh` without building: as many processes as the configuration asks for, not started yet.
    func launch(restarts: Int, _ options: [String]) throws -> (process: Process, output: URL, error: URL) {
        let started = try process([])
        let program = started.process.executableURL?.path ?? "lam"
        started.process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        let script = Goldens.repository.appendingPathComponent("scripts/launch.sh").path
        // A test's thread may have signals blocked, which its processes would inherit.
        started.process.arguments =
            ["--default-signal", script, "\(restarts)", program, "fit", "--config", "config.yaml"] + options
        return started
    }

    /// mpirun with `count` processes of the program, not started yet.
    func process(
        ranks count: Int, launcher: [String] = [], _ arguments: [String]
    ) throws -> (process: Process, output: URL, error: URL) {
        let started = try process([])
        let program = started.process.executableURL?.path ?? "lam"
        started.process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        started.process.arguments =
            ["--default-signal", "mpirun", "-q", "-n", "\(count)", "--oversubscribe", "--bind-to", "none"] + launcher
            + [program] + arguments
        // Open MPI refuses root, whom containers run as, without these.
        started.process.environment = ProcessInfo.processInfo.environment.merging(
            ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"]) { $1 }
        return started
    }

    /// Everything below the folder, as sorted relative paths of files.
    func files() -> [String] {
        (FileManager.default.subpaths(atPath: folder.root.path) ?? []).filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: folder.path(path), isDirectory: &isFolder)
                && !isFolder.boolValue
        }.sorted()
    }

    func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: folder.path(path)) }

    func checkpoint(_ name: String = "last.ckpt") throws -> LightningCheckpoint {
        try LightningCheckpoint(contentsOf: folder.path("checkpoints/\(name)"))
    }
}

extension LamProgram {
    /// `lam fit` is refused with `status` in one line beside the notes, which says all of `says`; no file is left or
    /// changed.
    func expectRefusal(
        _ options: [String], status: Int32 = 1, says: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let before = files()
        let result = try fit(options)
        #expect(result.status == status, "\(result.error)", sourceLocation: sourceLocation)
        let lines = result.error.split(separator: "\n").filter { !$0.hasPrefix("note: ") }
        #expect(lines.count == 1 && lines[0].hasPrefix("error: "), "\(result.error)", sourceLocation: sourceLocation)
        for part in says {
            #expect(lines.joined().contains(part), "\(part): \(result.error)", sourceLocation: sourceLocation)
        }
        #expect(files() == before, sourceLocation: sourceLocation)
    }
}
