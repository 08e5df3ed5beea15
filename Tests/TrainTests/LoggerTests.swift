import Configuration
import Formats
import Foundation
import LAMTrain
import Loggers
import TestSupport
import Testing

@Suite("Loggers")
struct LoggerTests {
    private func configuration(_ folder: TemporaryFolder) -> TensorBoardLoggerConfiguration {
        var configuration = TensorBoardLoggerConfiguration()
        configuration.saveDir = folder.root.path
        configuration.name = "lam_training"
        return configuration
    }

    @Test("runs get the number after the largest one, whatever else lies in the folder")
    func versions() throws {
        let folder = try TemporaryFolder()
        let logger = configuration(folder)
        let base = folder.root.path + "/lam_training"
        #expect(try RunDirectory.create(for: logger, defaultRoot: "/").path == base + "/version_0")
        #expect(try RunDirectory.create(for: logger, defaultRoot: "/").path == base + "/version_1")
        for name in ["version_7", "version_x", "version_-3", "version_99999999999999999999", "other"] {
            try FileManager.default.createDirectory(atPath: base + "/" + name, withIntermediateDirectories: true)
        }
        try Data().write(to: URL(fileURLWithPath: base + "/version_12"))
        #expect(try RunDirectory.create(for: logger, defaultRoot: "/").path == base + "/version_8")
    }

    @Test("a configured version is used as it is, and a logger without save_dir goes to the default folder")
    func givenVersions() throws {
        let folder = try TemporaryFolder()
        var logger = TensorBoardLoggerConfiguration()
        logger.version = "3"
        let root = folder.root.path
        #expect(try RunDirectory.create(for: logger, defaultRoot: root).path == root + "/lightning_logs/version_3")
        logger.version = "trial"
        logger.name = nil
        #expect(try RunDirectory.create(for: logger, defaultRoot: root).path == root + "/trial")
    }

    @Test("a folder that cannot be made is named")
    func unwritable() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("", to: "file")
        var logger = TensorBoardLoggerConfiguration()
        logger.saveDir = file
        let error = #expect(throws: FormatError.self) { try RunDirectory.create(for: logger, defaultRoot: "/") }
        #expect("\(try #require(error))".contains(file))
    }

    @Test("a TensorBoard run starts with hparams.yaml and hp_metric, and every value is flushed")
    func tensorBoard() throws {
        let folder = try TemporaryFolder()
        var settings = configuration(folder)
        settings.prefix = "p"
        let run = try RunDirectory.create(for: settings, defaultRoot: "/")
        let hyperParameters: ConfigValue = .map(["stage": .string("stage-1"), "lr": .double(1e-5), "bare": .null])
        let logger = try TensorBoardLogger(settings, in: run, hyperParameters: hyperParameters)
        try logger.log(step: 49, values: [(MetricTag.step(MetricTag.loss(.train)), 0.5), (MetricTag.epoch, 0)])
        try logger.image(step: 49, tag: "pairs", PNGImage(width: 1, height: 1, pixels: [1, 2, 3]))
        let files = try FileManager.default.contentsOfDirectory(atPath: run.path).sorted()
        #expect(files.count == 2 && files[0].hasPrefix("events.out.tfevents.") && files[1] == "hparams.yaml")
        let events = try Data(contentsOf: URL(fileURLWithPath: run.path + "/" + files[0]))
        for tag in ["p-hp_metric", "p-train_loss_step", "p-epoch", "p-pairs"] {
            #expect(events.firstRange(of: Data(tag.utf8)) != nil, "\(tag)")
        }
        try logger.close()
        #expect(
            try String(contentsOfFile: run.path + "/hparams.yaml", encoding: .utf8)
                == "bare: null\nlr: 1.0e-05\nstage: stage-1\n")
    }

    @Test("the tags are the original's")
    func tags() {
        #expect(MetricTag.step(MetricTag.loss(.train)) == "train_loss_step")
        #expect(MetricTag.step(MetricTag.term("mse_loss", .train)) == "train/mse_loss_step")
        #expect(MetricTag.epoch(MetricTag.loss(.train)) == "train_loss_epoch")
        #expect(MetricTag.loss(.val) == "val_loss" && MetricTag.learningRate == "lr-AdamW")
    }

    @Test("each call to the JSONL logger is one line of valid JSON, at once in the file, after those of earlier runs")
    func jsonLines() throws {
        let folder = try TemporaryFolder()
        let path = folder.root.path + "/metrics.jsonl"
        for start in [0, 10] {
            let logger = try JSONLinesLogger(directory: folder.root.path, now: { 1.5 })
            try logger.log(step: start, values: [("train_loss_step", 0.25), ("odd \"tag\"\n", 1)])
            try logger.log(step: start + 1, values: [("a", .nan), ("b", -.infinity), ("c", 1), ("c", 2)])
            let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            #expect(lines.count == (start == 0 ? 2 : 4))
            let first = try JSONSerialization.jsonObject(with: Data(lines[lines.count - 2].utf8)) as? [String: Any]
            #expect(first?["step"] as? Int == start && first?["time"] as? Double == 1.5)
            #expect(first?["train_loss_step"] as? Double == 0.25 && first?["odd \"tag\"\n"] as? Double == 1)
            #expect(
                lines[lines.count - 1]
                    == "{\"step\": \(start + 1), \"time\": 1.5, \"a\": \"NaN\", \"b\": \"-Infinity\", \"c\": 2.0}")
            try logger.close()
            try logger.close()
        }
    }

    @Test("a configuration's loggers start with all their files, and a trial run has none")
    func openLoggers() throws {
        let folder = try TemporaryFolder()
        var configuration = LAMConfiguration()
        configuration.trainer.defaultRootDir = folder.root.path
        let loggers = try LoggerGroup.open(for: configuration)
        #expect(loggers.directory == folder.root.path + "/lightning_logs/version_0")
        try loggers.log(step: 0, values: [("a", 1)])
        try loggers.close()
        let files = try FileManager.default.contentsOfDirectory(atPath: loggers.directory).sorted()
        #expect(files.count == 3 && files[1] == "hparams.yaml" && files[2] == "metrics.jsonl")
        let hparams = try String(contentsOfFile: loggers.directory + "/hparams.yaml", encoding: .utf8)
        #expect(hparams.contains("lam_model_dim: 512") && hparams.contains("batch_size: 64"))
        configuration.trainer.fastDevRun = FastDevRun(batches: 1)
        #expect(try LoggerGroup.open(for: configuration).directory == "")
    }

    @Test("a group closes all its loggers even if one of them fails")
    func group() throws {
        final class Failing: MetricsLogger {
            let directory = "first"
            let reading: LogReading? = LogReading("first", "read first")
            func log(step: Int, values: [(tag: String, value: Double)]) {}
            func image(step: Int, tag: String, _ image: PNGImage) {}
            func histogram(step: Int, tag: String, counts: [Double]) {}
            func close() throws { throw LoggerError.noFreeVersion(folder: "x") }
        }
        let folder = try TemporaryFolder()
        let lines = try JSONLinesLogger(directory: folder.root.path)
        let group = LoggerGroup([Failing(), lines])
        #expect(group.directory == "first" && group.readings == [LogReading("first", "read first")])
        try group.log(step: 1, values: [("a", 1)])
        #expect(throws: LoggerError.noFreeVersion(folder: "x")) { try group.close() }
        #expect(try String(contentsOfFile: folder.root.path + "/metrics.jsonl", encoding: .utf8).contains("\"a\": 1.0"))
    }
    @Test("each kind of logger says how its record is looked at, by a command that a shell takes as it is")
    func readings() throws {
        let folder = try TemporaryFolder()
        var wandb = WandbLoggerConfiguration()
        (wandb.saveDir, wandb.version) = (folder.path("a folder"), "abc")
        var trackio = TrackioLoggerConfiguration()
        (trackio.storeDir, trackio.project) = (folder.path("store"), "my arms")
        var configuration = LAMConfiguration()
        configuration.trainer.defaultRootDir = folder.root.path
        configuration.trainer.logger = LoggerList([
            TensorBoardLoggerConfiguration(), CSVLoggerConfiguration(), wandb, MLFlowLoggerConfiguration(), trackio,
        ])
        let loggers = try LoggerGroup.open(for: configuration)
        let root = folder.root.path
        let readings = loggers.readings.map { "\($0.reader): \($0.what)" }
        #expect(readings.count == 5 && readings[2].hasPrefix("W&B: wandb sync '\(root)/a folder/wandb/offline-run-"))
        #expect(readings[2].hasSuffix("-abc'"))
        #expect(
            [readings[0], readings[1], readings[3], readings[4]] == [
                "TensorBoard: tensorboard --logdir \(root)/lightning_logs/version_0",
                "table: \(root)/lightning_logs/version_1/metrics.csv",
                "MLflow: MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri \(root)/mlruns",
                "Trackio: TRACKIO_DIR=\(root)/store trackio show --project 'my arms'",
            ])
        try loggers.close()
        #expect("\(ShownPath("/runs/a/it's", from: "/runs"))" == "'a/it'\\''s'")
        #expect("\(ShownPath("/runs", from: "/runs"))" == "/runs" && "\(ShownPath("/r/x", from: "/run"))" == "/r/x")
    }
}
