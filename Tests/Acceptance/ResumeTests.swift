import LAMTrain
import Testing

/// Stopping and going on gives the same bits as not stopping.
@Suite struct ResumeTests {
    /// A way to train, and the step at which a run of eight steps is cut.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let options: [String]
        let cuts: [Int]
        /// Further options of the second part.
        var later: [String] = []
    }

    static let steps = 8

    static let cases = [
        Case(testDescription: "within an epoch, between and at restarts of codes", options: [], cuts: [1, 3, 4]),
        Case(
            testDescription: "at and after the end of an epoch", options: ["--trainer.limit_train_batches", "3"],
            cuts: [3, 4]),
        Case(
            testDescription: "with accumulated batches and a short last group",
            options: ["--trainer.limit_train_batches", "5", "--trainer.accumulate_grad_batches", "2"], cuts: [3, 5]),
        Case(
            testDescription: "within warm-up and within the cosine",
            options: [
                "--model.lr_scheduler.schedule", "cosine", "--model.lr_scheduler.warmup_steps", "3",
                "--model.lr_scheduler.decay_steps", "6",
            ], cuts: [2, 5]),
        Case(
            testDescription: "with the original's restarts and usage, across epochs",
            options: [
                "--model.restart", "original", "--model.usage", "original", "--trainer.limit_train_batches", "3",
            ], cuts: [2, 3, 7]),
        Case(
            testDescription: "with noise in place of rounding", options: ["--model.bottleneck", "nsvq"], cuts: [1, 4],
            later: ["--trainer.num_threads", "2"]),
        Case(
            testDescription: "with moving averages, accumulated batches and LaWAM's restarts",
            options: [
                "--model.bottleneck", "ema", "--trainer.accumulate_grad_batches", "2", "--model.restart", "lawam",
            ], cuts: [1, 4], later: ["--trainer.num_threads", "2"]),
        Case(
            testDescription: "with scalar quantisation",
            options: ["--model.bottleneck", "fsq", "--model.bottleneck.levels", "[5, 3, 4]"], cuts: [3]),
        Case(
            testDescription: "with a variational bottleneck", options: ["--model.bottleneck", "vae"], cuts: [1, 4],
            later: ["--trainer.num_threads", "2", "--data.num_workers", "3"]),
        Case(
            testDescription: "of LaWAM's family",
            options: [
                "--model.family", "lawam", "--model.bottleneck", "vae", "--model.loss_type", "smooth_l1",
                "--model.num_queries", "2", "--model.max_state_dim", "7", "--model.embodiment_ids", "{toto: 3}",
            ], cuts: [3], later: ["--trainer.num_threads", "2"]),
        Case(
            testDescription: "of LaWAM's family with two views, states as tokens and labels",
            options: [
                "--model.family", "lawam", "--model.bottleneck", "vae", "--model.max_state_dim", "7",
                "--model.enc_add_state", "true", "--data.dual_view_aug", "true", "--data.augment_draws", "batch",
                "--data.crop", "lawam", "--data.frame_dt_sec", "0.5", "--model.labels", "action", "--model.label_share",
                "0.5",
            ], cuts: [3], later: ["--trainer.num_threads", "2", "--data.num_workers", "2"]),
        Case(
            testDescription: "of several frames with triplet terms",
            options: [
                "--data.frames", "4", "--data.window", "3", "--model.bottleneck", "ae", "--model.reversal_weight",
                "0.1",
                "--model.additivity_weight", "0.1",
            ], cuts: [3], later: ["--trainer.num_threads", "2"]),
        Case(testDescription: "with open latents", options: ["--model.bottleneck", "ae"], cuts: [3]),
        Case(
            testDescription: "with soft assignment whose temperature falls",
            options: [
                "--model.bottleneck", "vq", "--model.bottleneck.soft_assignment", "true",
                "--model.bottleneck.temperature_end", "0.1", "--model.bottleneck.temperature_steps", "6",
                "--model.bottleneck.cosine", "true", "--model.bottleneck.start", "kmeans",
            ], cuts: [3]),
        Case(testDescription: "without restarts", options: ["--model.restart", "none"], cuts: [5]),
        Case(
            testDescription: "with other numbers of threads and batches made ahead", options: [], cuts: [2],
            later: ["--data.num_workers", "3", "--data.prefetch", "5", "--trainer.num_threads", "2"]),
        Case(
            testDescription: "with validation in between",
            options: [
                "--data.val_fraction", "0.2", "--trainer.val_check_interval", "2",
                "--trainer.limit_train_batches", "4", "--trainer.limit_val_batches", "1",
            ], cuts: [3, 4]),
        Case(
            testDescription: "with a mix of datasets",
            options: ["--data.dataset_mix", "[[toto_push_lf_v21, 1.0], [droid_push_v30, 0.5]]"], cuts: [3]),
    ]

    @Test("a run in two parts ends with the same bits as one in one part", arguments: cases)
    func exact(_ aCase: Case) throws {
        let whole = try LamProgram()
        let result = try whole.fit(aCase.options + ["--trainer.max_steps", "\(Self.steps)"])
        try #require(result.status == 0, "\(result.error)")
        let expected = TrainingState(try whole.checkpoint())
        #expect(expected.globalStep == Self.steps)
        for cut in aCase.cuts {
            let parts = try LamProgram()
            let first = try parts.fit(aCase.options + ["--trainer.max_steps", "\(cut)"])
            try #require(first.status == 0, "\(first.error)")
            let second = try parts.fit(
                aCase.options + aCase.later + ["--trainer.max_steps", "\(Self.steps)", "--ckpt_path", "last"])
            try #require(second.status == 0, "\(second.error)")
            #expect(second.error.contains("resumed from") && second.error.contains("at step \(cut)"))
            #expect(TrainingState(try parts.checkpoint()).differences(from: expected) == [], "cut at \(cut)")
        }
    }

    @Test("a run goes on from any checkpoint by its path, with the same files as before")
    func byPath() throws {
        let program = try LamProgram()
        #expect(try program.fit("--trainer.max_steps", "6").status == 0)
        let expected = TrainingState(try program.checkpoint())
        let files = program.files().filter { $0.hasPrefix("checkpoints") }
        #expect(
            files == ["epoch=0-step=2", "epoch=0-step=4", "epoch=0-step=6", "last"].map { "checkpoints/\($0).ckpt" })
        let result = try program.fit(
            "--trainer.max_steps", "6", "--ckpt_path", "checkpoints/epoch=0-step=2.ckpt")
        #expect(result.status == 0, "\(result.error)")
        #expect(TrainingState(try program.checkpoint()).differences(from: expected) == [])
        // Nothing that was there is overwritten but the moving name.
        #expect(
            program.files().filter { $0.hasPrefix("checkpoints") }
                == [
                    "epoch=0-step=2", "epoch=0-step=4-v1", "epoch=0-step=4", "epoch=0-step=6-v1", "epoch=0-step=6",
                    "last",
                ]
                .map { "checkpoints/\($0).ckpt" })
    }

    @Test("the bits do not depend on the number of compute threads and workers")
    func threads() throws {
        let one = try LamProgram()
        let many = try LamProgram()
        #expect(try one.fit("--trainer.max_steps", "5").status == 0)
        #expect(
            try many.fit("--trainer.max_steps", "5", "--trainer.num_threads", "3", "--data.num_workers", "4").status
                == 0)
        #expect(TrainingState(try many.checkpoint()).differences(from: TrainingState(try one.checkpoint())) == [])
    }

    @Test("without ModelCheckpoint options and without loggers, last is found, too")
    func defaultFolders() throws {
        for logger in [[], ["--trainer.logger", "false"]] {
            let program = try LamProgram()
            let options = ["--trainer.callbacks", "[]", "--trainer.limit_train_batches", "2"] + logger
            let first = try program.fit(options + ["--trainer.max_steps", "3"])
            #expect(first.status == 0, "\(first.error)")
            let second = try program.fit(options + ["--trainer.max_steps", "5", "--ckpt_path", "last"])
            #expect(second.status == 0, "\(second.error)")
            #expect(second.error.contains("resumed from"))
        }
    }

    @Test("another number of frames, another mix or another seed is refused, as the order would be another")
    func otherData() throws {
        let program = try LamProgram()
        #expect(try program.fit("--trainer.max_steps", "2").status == 0)
        let before = program.files()
        for options in [["--data.seed", "8"], ["--data.dataset_mix", "[[ego4d_push_v30, 1.0]]"]] {
            let result = try program.fit(options + ["--trainer.max_steps", "4", "--ckpt_path", "last"])
            #expect(result.status == 3)
            #expect(result.error.contains("the saved stream is another one"))
            #expect(program.files() == before)
        }
    }
}
