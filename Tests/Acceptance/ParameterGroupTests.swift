import LAMTrain
import Testing

/// `lam fit` with parameters that do not decay.
@Suite struct ParameterGroupTests {
    private let noDecay = ["--model.optimizer.no_decay", "[bias, norm, embedding]"]

    @Test("checkpoints have two groups as PyTorch numbers them, and moments under those numbers")
    func groups() throws {
        let program = try LamProgram()
        let result = try program.fit(noDecay + ["--trainer.max_steps", "2"])
        try #require(result.status == 0, "\(result.error)")
        let checkpoint = try program.checkpoint()
        let state = try #require(checkpoint.optimizers.first)
        func isDecayed(_ name: String) -> Bool {
            name.hasSuffix(".weight") && !name.contains("norm") && !name.hasSuffix(".codebook.weight")
                && !name.hasSuffix("coder.ffn.0.weight") && !name.hasSuffix("coder.ffn.2.weight")
        }
        let decayed = Array(checkpoint.stateDict.keys).filter(isDecayed)
        let others = Array(checkpoint.stateDict.keys).filter { !isDecayed($0) }
        #expect(state.groups.map(\.weightDecay) == [Double(Float(0.01)), 0])
        #expect(
            state.groups.map(\.params)
                == [Array(0..<decayed.count), Array(decayed.count..<decayed.count + others.count)])
        for (index, name) in (decayed + others).enumerated() {
            #expect(state.moments[index]?.expAvg.shape == checkpoint.stateDict[name]?.shape, "\(name)")
        }
        let plain = try LamProgram()
        #expect(try plain.fit("--trainer.max_steps", "2").status == 0)
        let whole = try #require(plain.checkpoint().optimizers.first)
        #expect(whole.groups.map(\.params) == [Array(0..<checkpoint.stateDict.count)])
        // A bias decays there and not here.
        let name = "lam.to_codebook.bias"
        #expect(try checkpoint.stateDict[name]?.floats() != plain.checkpoint().stateDict[name]?.floats())
    }

    @Test("a run in two parts ends with the same bits, sharded and in stage 2, too")
    func resume() throws {
        let cases: [(ranks: Int, options: [String])] = [
            (1, []), (2, ["--trainer.strategy", "ddp_sharded"]), (1, ["--model.stage", "stage-2"]),
        ]
        for (ranks, options) in cases {
            func fit(_ program: LamProgram, _ more: [String]) throws {
                let all = options + noDecay + more
                let result = ranks == 1 ? try program.fit(all) : try program.fit(ranks: ranks, all)
                try #require(result.status == 0, "\(result.error)")
            }
            let whole = try LamProgram(), parts = try LamProgram()
            try fit(whole, ["--trainer.max_steps", "6"])
            try fit(parts, ["--trainer.max_steps", "3"])
            try fit(parts, ["--trainer.max_steps", "6", "--ckpt_path", "last"])
            #expect(
                TrainingState(try parts.checkpoint()).differences(from: TrainingState(try whole.checkpoint())) == [])
        }
    }

    @Test("a checkpoint with other groups is refused with what to set")
    func otherGroups() throws {
        let program = try LamProgram()
        #expect(try program.fit(noDecay + ["--trainer.max_steps", "2"]).status == 0)
        let resumed = ["--trainer.max_steps", "4", "--ckpt_path", "last"]
        try program.expectRefusal(
            resumed,
            says: ["last.ckpt: 'optimizer_states': expected groups of [", "set model.optimizer.init_args.no_decay"])
        try program.expectRefusal(
            resumed + ["--model.optimizer.no_decay", "[bias]"], says: ["expected groups of [", "parameters, got ["])
        #expect(try program.run("validate", "--config", "config.yaml", "--ckpt_path", "last").status == 0)
    }
}
