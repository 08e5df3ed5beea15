import Formats
import Foundation
import LAMTrain
import TestSupport
import Testing

/// `lam fit` as several processes that mpirun starts.
@Suite(.serialized) struct RankTests {
    @Test("processes train with the bits of threads; one of them prints, logs and saves")
    func sameAsThreads() throws {
        let options = [
            "--trainer.max_steps", "6", "--trainer.strategy", "ddp_sharded", "--trainer.gradient_wire", "bf16",
        ]
        let threads = try LamProgram(), processes = try LamProgram()
        try threads.train(ranks: 2, options)
        let result = try processes.fit(ranks: 2, options)
        try #require(result.status == 0, "\(result.error)")
        let differences = TrainingState(try processes.checkpoint()).differences(
            from: TrainingState(try threads.checkpoint()))
        #expect(differences == [], "\(differences)")
        #expect(
            processes.files().filter { !$0.contains("events") } == threads.files().filter { !$0.contains("events") })
        #expect(result.output.matches(of: /steps in/).count == 1, "\(result.output)")
        #expect(result.output.contains("2 ranks on "), "\(result.output)")
        #expect(result.output.contains("batch 8 (2 x 4)"), "\(result.output)")
    }

    @Test("a configuration that none can run is refused in one line, whatever the number of ranks")
    func refused() throws {
        let program = try LamProgram()
        let cases: [([String], Int32, String)] = [
            (["--data.batch_sise", "4"], 2, "batch_size"),
            (["--data.dataset_mix", "[[nowhere, 1.0]]"], 3, "nowhere"),
            (["--trainer.devices", "3"], 2, "3 processes, but 2 run"),
        ]
        for (options, status, part) in cases {
            let result = try program.fit(ranks: 2, options)
            #expect(result.status == status, "\(result.error)")
            let errors = result.error.split(separator: "\n").filter { $0.contains("error: ") }
            #expect(errors.count == 1 && errors[0].contains(part), "\(result.error)")
        }
        #expect(program.files() == ["config.yaml"])
    }

    @Test("processes share the frames of inspect --verify, and print what one prints")
    func inspect() throws {
        let program = try LamProgram()
        for (dataset, status) in [("droid_push_v30", Int32(0)), ("bad/truncated_video_v30", 3)] {
            let arguments = ["inspect", "--verify", Goldens.url("datasets/\(dataset)").path]
            let one = try program.run(arguments)
            let started = try program.process(ranks: 2, arguments)
            // mpirun gives each process a terminal, and people on one bold letters.
            started.process.environment?["NO_COLOR"] = "1"
            try started.process.run()
            let two = try program.result(of: started)
            #expect(one.status == status && two.status == status, "\(two.error)")
            #expect(two.output.replacingOccurrences(of: "\r\n", with: "\n") == one.output)
            #expect(
                two.error.components(separatedBy: "error: ").count
                    == one.error.components(separatedBy: "error: ").count)
        }
    }

    @Test("what torchrun starts is refused with the line for mpirun")
    func torchrun() throws {
        let program = try LamProgram()
        let result = try program.fit(
            afterShell: "export WORLD_SIZE=4 RANK=0 LOCAL_RANK=0 MASTER_ADDR=localhost", "--trainer.max_steps", "2")
        #expect(result.status == 2 && result.error.contains("mpirun -n 4 lam fit"), "\(result.error)")
    }
}
