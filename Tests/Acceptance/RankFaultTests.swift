import Foundation
import LAMTrain
import TestSupport
import Testing

/// What becomes of a run when one of its processes fails, or somebody asks it to end.
@Suite(.serialized) struct RankFaultTests {
    private static let quiet = [
        "every_n_train_steps: 2": "every_n_train_steps: 10", "log_every_n_steps: 1": "log_every_n_steps: 100",
        "restart_every_n_steps: 3": "restart_every_n_steps: 1000",
    ]
    /// Never reached.
    private static let endless = ["--trainer.max_steps", "100000"]

    /// The process of one rank below a program's folder.
    private func process(ofRank rank: Int, in program: LamProgram) throws -> pid_t {
        for name in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
            guard let pid = pid_t(name),
                let folder = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd"),
                folder.hasPrefix(program.folder.root.resolvingSymlinksInPath().path),
                let executable = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe"),
                executable.hasSuffix("/lam"),
                let variables = FileManager.default.contents(atPath: "/proc/\(pid)/environ"),
                variables.split(separator: 0).contains(Data("OMPI_COMM_WORLD_RANK=\(rank)".utf8))
            else { continue }
            return pid
        }
        return try #require(nil as pid_t?, "rank \(rank) does not run")
    }

    private func waitForCheckpoint(_ program: LamProgram, _ process: Process) {
        while process.isRunning, !program.exists("checkpoints/last.ckpt") { usleep(2_000) }
    }

    /// Lines that say why the run failed.
    private func errors(_ result: LamProgram.Result) -> [Substring] {
        result.error.split(separator: "\n").filter { $0.contains("error: ") }
    }

    @Test("a killed rank ends the run within seconds, is named once, and leaves a whole checkpoint")
    func killed() throws {
        let program = try LamProgram(changing: Self.quiet)
        let started = try program.launch(restarts: 0, ["--trainer.devices", "2"] + Self.endless)
        try started.process.run()
        waitForCheckpoint(program, started.process)
        kill(try process(ofRank: 1, in: program), SIGKILL)
        let start = ContinuousClock.now
        let result = try program.result(of: started)
        #expect(ContinuousClock.now - start < .seconds(15))
        #expect(result.status == 137, "\(result.error)")
        #expect(errors(result).count == 1 && errors(result)[0].hasPrefix("error: rank 1 ("), "\(result.error)")
        #expect(try program.checkpoint().globalStep >= 10)
    }

    @Test("with restarts a run goes on by itself from its last checkpoint, not from another run's, to the same bits")
    func restarted() throws {
        let steps = ["--trainer.max_steps", "60"]
        let straight = try LamProgram(changing: Self.quiet)
        #expect(try straight.fit(ranks: 2, steps).status == 0)
        let program = try LamProgram(changing: Self.quiet)
        // The checkpoint of another run.
        #expect(try program.fit("--trainer.max_steps", "90").status == 0)
        let started = try program.launch(restarts: 1, ["--trainer.devices", "2"] + steps)
        try started.process.run()
        while started.process.isRunning, !program.exists("checkpoints/last-v1.ckpt") { usleep(2_000) }
        kill(try process(ofRank: 0, in: program), SIGKILL)
        let result = try program.result(of: started)
        #expect(result.status == 0, "\(result.error)")
        #expect(result.error.contains("status 137; going on from"), "\(result.error)")
        #expect(
            TrainingState(try program.checkpoint("last-v1.ckpt")).differences(
                from: TrainingState(try straight.checkpoint())) == [])
    }

    @Test("a rank that hangs is named after the timeout, and the run ends")
    func hanging() throws {
        let program = try LamProgram(changing: Self.quiet)
        let started = try program.process(
            ranks: 3, ["fit", "--config", "config.yaml", "--trainer.timeout", "2"] + Self.endless)
        try started.process.run()
        waitForCheckpoint(program, started.process)
        kill(try process(ofRank: 1, in: program), SIGSTOP)
        let start = ContinuousClock.now
        let result = try program.result(of: started)
        #expect(ContinuousClock.now - start < .seconds(15))
        #expect(result.status == 1, "\(result.error)")
        #expect(errors(result).count == 1, "\(result.error)")
        let line = errors(result).first ?? ""
        #expect(line.contains("within 2 s") && line.contains("no sign of rank 1 ("), "\(line)")
        #expect(!line.contains("rank 2"), "\(line)")
        #expect(try program.checkpoint().globalStep >= 10)
    }

    /// A program's folder with a copy of a dataset for each of two ranks.
    private func programWithCopies() throws -> LamProgram {
        let program = try LamProgram(
            changing: Self.quiet.merging([Goldens.url("datasets").path: "data"]) { $1 })
        for rank in 0..<2 {
            let data = program.folder.url("rank\(rank)/data")
            try FileManager.default.createDirectory(at: data, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                at: Goldens.url("datasets/toto_push_lf_v21"), to: data.appendingPathComponent("toto_push_lf_v21"))
            try FileManager.default.copyItem(
                at: program.folder.url("config.yaml"), to: program.folder.url("rank\(rank)/config.yaml"))
        }
        return program
    }

    /// mpirun with a folder for each rank.
    private func runInOwnFolders(_ program: LamProgram, _ options: [String]) throws -> LamProgram.Result {
        let arguments = ["fit", "--config", "config.yaml"] + options
        let started = try program.process(ranks: 1, launcher: ["--wdir", "rank0"], arguments)
        let path = Bundle.main.bundleURL.appendingPathComponent("lam").path
        started.process.arguments? += [":", "-n", "1", "--wdir", "rank1", path] + arguments
        try started.process.run()
        return try program.result(of: started)
    }

    @Test("a rank whose file is bad says so for all, with the exit code of a data error")
    func badFile() throws {
        let program = try programWithCopies()
        // Every video but the first frames of each.
        let videos = program.folder.url("rank1/data/toto_push_lf_v21/videos/chunk-000/observation.images.image")
        for name in try FileManager.default.contentsOfDirectory(atPath: videos.path) {
            let file = videos.appendingPathComponent(name)
            var video = try Data(contentsOf: file)
            for place in video.count * 2 / 5..<video.count / 2 { video[place] = 0xFF }
            try video.write(to: file)
        }
        let start = ContinuousClock.now
        let result = try runInOwnFolders(program, Self.endless)
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(result.status == 3, "\(result.error)")
        #expect(errors(result).count == 1, "\(result.error)")
        let line = errors(result).first ?? ""
        #expect(line.hasPrefix("error: rank 1 (") && line.contains(".mp4"), "\(line)")
    }

    @Test("a dataset that one rank does not have is found before anything is trained")
    func missingData() throws {
        let program = try programWithCopies()
        try FileManager.default.removeItem(at: program.folder.url("rank1/data/toto_push_lf_v21"))
        let missing = try runInOwnFolders(program, Self.endless)
        #expect(missing.status == 3 && errors(missing).count == 1, "\(missing.error)")
        #expect(errors(missing).first?.hasPrefix("error: rank 1 (") == true)
    }

    @Test("SIGTERM and SIGUSR1 to the launcher end the run with a checkpoint and 128 + signal")
    func signals() throws {
        for (signal, status) in [(SIGTERM, Int32(143)), (SIGUSR1, 138)] {
            let program = try LamProgram(changing: Self.quiet)
            let started = try program.launch(restarts: 3, ["--trainer.devices", "2"] + Self.endless)
            try started.process.run()
            waitForCheckpoint(program, started.process)
            kill(started.process.processIdentifier, signal)
            let result = try program.result(of: started)
            #expect(result.status == status, "\(result.error)")
            let steps = try #require(result.output.firstMatch(of: /(\d+) steps in/)?.output.1)
            #expect(try program.checkpoint().globalStep == Int(steps))
        }
        // mpirun by itself passes SIGUSR1 on.
        let program = try LamProgram(changing: Self.quiet)
        let started = try program.process(ranks: 2, ["fit", "--config", "config.yaml"] + Self.endless)
        try started.process.run()
        waitForCheckpoint(program, started.process)
        kill(started.process.processIdentifier, SIGUSR1)
        let result = try program.result(of: started)
        #expect(result.status == 138 && result.output.contains("steps in"), "\(result.error)")
    }
}
