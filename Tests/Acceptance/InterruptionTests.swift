import Foundation
import LAMTrain
import Testing

/// What is left when a run does not end by itself.
@Suite struct InterruptionTests {
    /// Long enough that a signal meets the middle of it, short enough to finish within seconds.
    static let steps = 400

    /// Fewer checkpoints than elsewhere: each waits for the disk.
    private static let sparse = ["every_n_train_steps: 2": "every_n_train_steps: 20"]

    private func straight() throws -> TrainingState {
        let program = try LamProgram(changing: Self.sparse)
        #expect(try program.fit("--trainer.max_steps", "\(Self.steps)").status == 0)
        return TrainingState(try program.checkpoint())
    }

    /// Starts a run and waits until its first checkpoint is there.
    private func start(
        _ program: LamProgram, _ options: [String] = []
    ) throws -> (process: Process, output: URL, error: URL) {
        let started = try program.process(
            ["fit", "--config", "config.yaml", "--trainer.max_steps", "\(Self.steps)"] + options)
        try started.process.run()
        return started
    }

    private func waitForCheckpoint(_ program: LamProgram, _ process: Process) {
        while process.isRunning, !program.exists("checkpoints/last.ckpt") { usleep(1_000) }
    }

    @Test("a signal ends predict at once, with a word on what is kept")
    func predict() throws {
        let program = try LamProgram()
        try #require(program.fit("--trainer.max_steps", "1").status == 0)
        let started = try program.process(["predict", "--config", "config.yaml", "--ckpt_path", "last"])
        // Full, so that the program waits before its first line and cannot be done before the signal.
        let full = Pipe(), end = full.fileHandleForWriting.fileDescriptor
        _ = fcntl(end, F_SETFL, O_NONBLOCK)
        while write(end, "full", 1) == 1 {}
        started.process.standardOutput = full
        try started.process.run()
        let status = "/proc/\(started.process.processIdentifier)/status"
        func isTrapped() -> Bool {
            let lines = (try? String(contentsOfFile: status, encoding: .utf8))?.split(separator: "\n") ?? []
            let mask = lines.first { $0.hasPrefix("SigBlk:") }?.split(separator: "\t").last ?? ""
            return (UInt64(mask, radix: 16) ?? 0) & (1 << UInt64(SIGINT - 1)) != 0
        }
        while started.process.isRunning, !isTrapped() { usleep(10_000) }
        kill(started.process.processIdentifier, SIGINT)
        let result = try program.result(of: started)
        #expect(result.status == 128 + SIGINT, "\(result.error)")
        #expect(result.error.contains("note: ended before the first label"), "\(result.error)")
    }

    @Test("SIGTERM, SIGINT and a broken connection end a run with a checkpoint from which the rest gives the same bits")
    func signals() throws {
        let expected = try straight()
        for (signal, status) in [(SIGTERM, Int32(143)), (SIGINT, 130), (SIGHUP, 129)] {
            let program = try LamProgram(changing: Self.sparse)
            let started = try start(program)
            waitForCheckpoint(program, started.process)
            kill(started.process.processIdentifier, signal)
            let result = try program.result(of: started)
            #expect(result.status == status, "\(result.error)")
            let step = try program.checkpoint().globalStep
            #expect(step > 0 && step < Self.steps)
            #expect(result.error.contains("note: saving a checkpoint, then ending"), "\(result.error)")
            #expect(!program.files().contains { $0.contains(".tmp-") })
            let rest = try program.fit("--trainer.max_steps", "\(Self.steps)", "--ckpt_path", "last")
            #expect(rest.status == 0, "\(rest.error)")
            #expect(TrainingState(try program.checkpoint()).differences(from: expected) == [], "at step \(step)")
        }
    }

    @Test("under nohup a run outlives its connection")
    func nohup() throws {
        let program = try LamProgram()
        let script = "trap '' HUP; \"$0\" \"$@\" & sleep 0.3; kill -HUP $!; wait $!"
        let result = try program.run(
            ["fit", "--config", "config.yaml", "--trainer.max_steps", "60"], inShell: script)
        #expect(result.status == 0 && result.output.contains("60 steps in"), "\(result.error)")
    }

    @Test("a signal saves a checkpoint also where save_last is off and none was due")
    func signalWithoutLast() throws {
        let program = try LamProgram(
            changing: ["save_last: true": "save_last: false", "every_n_train_steps: 2": "every_n_train_steps: 50"])
        let started = try start(program)
        while started.process.isRunning, !program.files().contains(where: { $0.hasSuffix(".ckpt") }) { usleep(1_000) }
        kill(started.process.processIdentifier, SIGTERM)
        let result = try program.result(of: started)
        #expect(result.status == 143, "\(result.error)")
        let steps = try #require(result.output.firstMatch(of: /(\d+) steps in/)?.output.1)
        let rest = try program.fit("--trainer.max_steps", "\(Self.steps)", "--ckpt_path", "last")
        #expect(rest.status == 0 && rest.error.contains("at step \(steps)\n"), "\(rest.error)")
    }

    @Test("SIGKILL at any moment leaves a checkpoint from which the rest gives the same bits")
    func kills() throws {
        let expected = try straight()
        var generator = SystemRandomNumberGenerator()
        let program = try LamProgram(changing: Self.sparse)
        // Several deaths of one run, each at a moment of its own.
        for _ in 0..<5 {
            let resume = program.exists("checkpoints/last.ckpt") ? ["--ckpt_path", "last"] : []
            let started = try start(program, resume)
            waitForCheckpoint(program, started.process)
            usleep(UInt32.random(in: 50_000...400_000, using: &generator))
            kill(started.process.processIdentifier, SIGKILL)
            let result = try program.result(of: started)
            #expect(result.status == 137 || result.status == 0, "\(result.error)")
        }
        let rest = try program.fit("--trainer.max_steps", "\(Self.steps)", "--ckpt_path", "last")
        #expect(rest.status == 0, "\(rest.error)")
        #expect(TrainingState(try program.checkpoint()).differences(from: expected) == [])
    }

    @Test("a damaged last.ckpt gives way to the newest intact checkpoint, with a note")
    func damagedLast() throws {
        let whole = try LamProgram()
        #expect(try whole.fit("--trainer.max_steps", "8").status == 0)
        let program = try LamProgram()
        #expect(try program.fit("--trainer.max_steps", "6").status == 0)
        let last = program.folder.url("checkpoints/last.ckpt")
        let bytes = try Data(contentsOf: last)
        for damaged in [Data(), bytes.prefix(bytes.count / 2), bytes.prefix(bytes.count - 1)] {
            try FileManager.default.removeItem(at: last)
            try damaged.write(to: last)
            let result = try program.fit("--trainer.max_steps", "6", "--ckpt_path", "last")
            #expect(result.status == 0)
            #expect(result.error.contains("last.ckpt"))
            #expect(result.error.contains("going on from") && result.error.contains("epoch=0-step=6.ckpt instead"))
        }
        #expect(try program.fit("--trainer.max_steps", "8", "--ckpt_path", "last").status == 0)
        #expect(TrainingState(try program.checkpoint()).differences(from: TrainingState(try whole.checkpoint())) == [])
    }

    @Test("a checkpoint that the disk does not take leaves the old one as it was, and no temporary file")
    func diskFull() throws {
        let program = try LamProgram()
        #expect(try program.fit("--trainer.max_steps", "2").status == 0)
        let old = try Data(contentsOf: program.folder.url("checkpoints/last.ckpt"))
        // 512-byte blocks: room for logs, not for a checkpoint. Without the signal's death a write just fails.
        let result = try program.fit(
            afterShell: "trap '' XFSZ; ulimit -f 16", "--trainer.max_steps", "6", "--ckpt_path", "last")
        #expect(result.status == 1)
        #expect(result.error.contains(".ckpt"), "\(result.error)")
        #expect(result.error.split(separator: "\n").filter { $0.hasPrefix("error: ") }.count == 1)
        #expect(try Data(contentsOf: program.folder.url("checkpoints/last.ckpt")) == old)
        #expect(
            program.files().filter { $0.hasPrefix("checkpoints") }
                == ["checkpoints/epoch=0-step=2.ckpt", "checkpoints/last.ckpt"])
    }

    @Test("a loss that is not a number stops the run, says at which step, and keeps the last good checkpoint")
    func notANumber() throws {
        let program = try LamProgram()
        #expect(try program.fit("--trainer.max_steps", "4").status == 0)
        let good = TrainingState(try program.checkpoint())
        let result = try program.fit(
            "--trainer.max_steps", "20", "--ckpt_path", "last", "--model.optimizer.init_args.lr", "1e30")
        #expect(result.status == 1)
        let errors = result.error.split(separator: "\n").filter { $0.hasPrefix("error: ") }
        #expect(errors.count == 1)
        #expect(errors.first?.contains("step 5") == true || errors.first?.contains("step 6") == true, "\(result.error)")
        #expect(errors.first?.contains("finite") == true)
        #expect(TrainingState(try program.checkpoint()).differences(from: good) == [])
    }

    @Test("a step that ruins the weights does not put them in the place of good ones")
    func lastGood() throws {
        for changes in [[:], ["save_top_k: -1": "save_top_k: 1"]] {
            let program = try LamProgram(changing: changes)
            #expect(try program.fit("--trainer.max_steps", "3").status == 0)
            let good = TrainingState(try program.checkpoint())
            let names = program.files().filter { $0.hasPrefix("checkpoints") }
            // The very next step is one with a checkpoint.
            let failed = try program.fit(
                "--trainer.max_steps", "20", "--ckpt_path", "last", "--model.optimizer.init_args.lr", "1e30")
            #expect(failed.status == 1 && failed.error.contains("step 4: expected a finite loss"), "\(failed.error)")
            #expect(program.files().filter { $0.hasPrefix("checkpoints") } == names)
            #expect(TrainingState(try program.checkpoint()).differences(from: good) == [])
            #expect(try program.fit("--trainer.max_steps", "6", "--ckpt_path", "last").status == 0)
        }
    }
}
