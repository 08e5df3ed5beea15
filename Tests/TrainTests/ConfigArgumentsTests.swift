import Configuration
import LAMData
import LAMTrain
import TestSupport
import Testing

@Suite("Configuration on the command line")
struct ConfigArgumentsTests {
    private func configuration(_ arguments: String...) throws -> LAMConfiguration {
        try FitArguments.parse(arguments: arguments).configuration
    }

    private func message(_ arguments: String...) -> String {
        do {
            _ = try FitArguments.parse(arguments: arguments)
            return "no error"
        } catch {
            return "\(error)"
        }
    }

    @Test("both spellings of an override work, and later ones win")
    func overrides() throws {
        let run = try configuration(
            "--trainer.max_steps", "10", "--model.vq_beta=0.5", "--data.dataset_mix", #"[["droid",1.0]]"#,
            "--trainer.max_steps=20", "--trainer.max_epochs", "-1")
        #expect(run.trainer.maxSteps == 20 && run.trainer.maxEpochs == -1 && run.model.vqBeta == 0.5)
        #expect(run.data.stream.datasetMix == [StreamOptions.MixEntry("droid", 1)])
    }

    @Test("later files override earlier ones key by key")
    func layers() throws {
        let folder = try TemporaryFolder()
        let base = try folder.write(ConfigFixtures.original, to: "base.yaml")
        let small = try folder.write(
            "model: {lam_model_dim: 96}\ndata: {dataset_mix: [[a, 1], [b, 2]]}\n"
                + "trainer: {logger: false}\n", to: "small.yaml")
        let run = try configuration(
            "-c", base, "--config=\(small)", "--model.optimizer.init_args.lr", "3e-4", "--model.optimizer.weight_decay",
            "0",
            "--data.dataset_mix+=[[c, 3]]")
        #expect(run.model.modelDim == 96 && run.model.numHeads == 12)
        #expect(run.data.stream.datasetMix.map(\.name) == ["a", "b", "c"])
        #expect(run.model.optimizer.lr == 3e-4 && run.model.optimizer.weightDecay == 0)
        #expect(run.trainer.logger.tensorBoards == [])
    }

    @Test("objects can be named and then filled on the command line")
    func objects() throws {
        let run = try configuration(
            "--model.optimizer", "AdamW", "--model.optimizer.lr", "1e-5", "--trainer.logger", "TensorBoardLogger",
            "--trainer.logger.save_dir", "runs", "--trainer.callbacks+=ModelCheckpoint",
            "--trainer.callbacks.every_n_train_steps=7", "--trainer.callbacks+=LearningRateMonitor")
        #expect(run.model.optimizer.lr == 1e-5)
        #expect(run.trainer.logger.tensorBoards.first?.saveDir == "runs")
        #expect(run.trainer.callbacks.checkpoints.first?.everyNTrainSteps == 7)
        #expect(run.trainer.callbacks.callbacks.count == 2)
    }

    @Test("naming an object's class again keeps its arguments, and another list of objects replaces the first")
    func classes() throws {
        let folder = try TemporaryFolder()
        let base = try folder.write(ConfigFixtures.original, to: "base.yaml")
        #expect(try configuration("-c", base, "--model.optimizer", "AdamW").model.optimizer.lr == 1e-4)
        #expect(try configuration("-c", base, "--model.optimizer.class_path=AdamW").model.optimizer.lr == 1e-4)
        #expect(message("-c", base, "--model.optimizer", "SGD").contains("got SGD"))
        let over = try folder.write(
            "trainer: {callbacks: {class_path: LearningRateMonitor}, logger: {class_path: TensorBoardLogger}}\n")
        let run = try configuration("-c", base, "-c", over)
        #expect(run.trainer.callbacks.callbacks == [.learningRateMonitor(LearningRateMonitorConfiguration())])
        #expect(run.trainer.logger.tensorBoards == [TensorBoardLoggerConfiguration()])
    }

    @Test("options of text take their argument as it stands")
    func text() throws {
        let run = try configuration(
            "--model.task_name", "on", "--model.log_path", "a: b", "--ckpt_path", "*last", "--data.root", "#1")
        #expect(run.model.taskName == "on" && run.model.logPath == "a: b")
        #expect(run.ckptPath == "*last" && run.data.stream.root == "#1")
    }

    @Test("switches may stand alone, other options need a value")
    func switches() throws {
        #expect(
            try configuration("--trainer.fast_dev_run", "--data.image_aug", "--data.seed", "1").trainer.fastDevRun
                .batches == 1)
        #expect(
            message("--trainer.max_steps", "--data.seed", "1")
                == "command line: --trainer.max_steps: expected a value after it")
        #expect(message("fast").hasPrefix("command line: fast: expected an option"))
        #expect(message("--model..x", "1").contains("single dots"))
        #expect(
            message("--trainer.max_steps", "ten")
                == "invalid value for `trainer.max_steps` at --trainer.max_steps: expected an integer, got ten")
    }

    @Test("seed_everything takes a number, true and false")
    func seeds() throws {
        #expect(try configuration("--seed_everything", "7").seedEverything == .fixed(7))
        #expect(try configuration("--seed_everything", "true").seedEverything == .drawn)
        #expect(try configuration("--seed_everything=false").seedEverything == .drawn)
    }

    @Test("print_config is reported with its form")
    func printing() throws {
        #expect(try FitArguments.parse(arguments: ["--print_config"]).printConfig == .all)
        #expect(try FitArguments.parse(arguments: ["--print_config=skip_default"]).printConfig == .skipDefault)
        #expect(message("--print_config=comments").contains("skip_default"))
    }

    @Test("a learning-rate schedule is read in its simple form and by PyTorch's class")
    func schedules() throws {
        let simple = try configuration("--model.lr_scheduler", "{schedule: cosine, warmup_steps: 10, min_lr: 1e-5}")
        #expect(simple.model.learningRateSchedule.warmupSteps == 10)
        let byClass = try FitArguments.parse(arguments: [
            "--model.lr_scheduler.class_path=torch.optim.lr_scheduler.CosineAnnealingLR",
            "--model.lr_scheduler.init_args.T_max=100", "--model.lr_scheduler.init_args.eta_min=1e-6",
        ])
        #expect(byClass.configuration.model.learningRateSchedule.shape == .cosine)
        #expect(byClass.configuration.model.learningRateSchedule.decaySteps == 100)
        #expect(byClass.configuration.model.learningRateSchedule.minLearningRate == 1e-6)
        #expect(byClass.notices.map(\.reason) == ["counted in optimiser steps, not in epochs"])
        #expect(message("--model.lr_scheduler.class_path=torch.optim.lr_scheduler.StepLR").contains("StepLR"))
    }

    @Test("the schedule's factor warms up linearly and falls as half a cosine to its floor")
    func scheduleFactor() {
        var schedule = LearningRateSchedule()
        #expect(schedule.factor(atStep: 0, of: 10, lr: 1) == 1)
        schedule.warmupSteps = 4
        #expect(schedule.factor(atStep: 0, of: nil, lr: 1) == 0.25)
        #expect(schedule.factor(atStep: 3, of: nil, lr: 1) == 1)
        #expect(schedule.factor(atStep: 99, of: nil, lr: 1) == 1)
        schedule.shape = .cosine
        schedule.minLearningRate = 0.1
        #expect(schedule.factor(atStep: 4, of: 104, lr: 1) == 1)
        #expect(abs(schedule.factor(atStep: 54, of: 104, lr: 1) - 0.55) < 1e-12)
        #expect(abs(schedule.factor(atStep: 500, of: 104, lr: 1) - 0.1) < 1e-12)
    }

    @Test("warm-up, stable, decay: constant until the last steps of the run, then linear to the floor")
    func warmupStableDecay() {
        var schedule = LearningRateSchedule()
        (schedule.shape, schedule.warmupSteps, schedule.minLearningRate) = (.wsd, 4, 0.1)
        #expect(schedule.factor(atStep: 1, of: 100, lr: 1) == 0.5)
        #expect([4, 50, 80].allSatisfy { schedule.factor(atStep: $0, of: 100, lr: 1) == 1 })
        #expect(abs(schedule.factor(atStep: 90, of: 100, lr: 1) - 0.55) < 1e-12)
        #expect(abs(schedule.factor(atStep: 100, of: 100, lr: 1) - 0.1) < 1e-12)
        schedule.decaySteps = 50
        #expect(schedule.factor(atStep: 50, of: 100, lr: 1) == 1)
        #expect(abs(schedule.factor(atStep: 75, of: 100, lr: 1) - 0.55) < 1e-12)
        schedule.decaySteps = 1000
        #expect(schedule.factor(atStep: 4, of: 100, lr: 1) == 1, "the decay begins after warm-up at the earliest")
        #expect(schedule.factor(atStep: 50, of: nil, lr: 1) == 1, "a run without end never decays")
    }
}
