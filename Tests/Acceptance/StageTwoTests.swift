import Formats
import Foundation
import Checkpoints
import LAMTrain
import Parquet
import TestSupport
import Testing

/// `lam fit` with `stage: stage-2`, from a stage-1 checkpoint that `lam fit` wrote.
@Suite struct StageTwoTests {
    /// Fewer controllable codes than the eight that stage 1 leaves.
    private static let options = ["--model.stage", "stage-2", "--model.lam_num_latents", "6"]

    /// A program with a stage-1 checkpoint `stage1.ckpt` in its folder and nothing else of that run.
    private func afterStageOne(changing changes: [String: String] = [:]) throws -> LamProgram {
        let stageOne = try LamProgram()
        let result = try stageOne.fit("--trainer.max_steps", "4")
        try #require(result.status == 0, "\(result.error)")
        let program = try LamProgram(changing: changes)
        try FileManager.default.copyItem(
            at: stageOne.folder.url("checkpoints/last.ckpt"), to: program.folder.url("stage1.ckpt"))
        return program
    }

    private func fit(_ program: LamProgram, steps: Int, _ more: [String]) throws -> LamProgram.Result {
        try program.fit(Self.options + ["--trainer.max_steps", "\(steps)"] + more)
    }

    private static let load = ["--model.stage_one_ckpt", "stage1.ckpt"]

    @Test("stage 2 takes codebook and tokens from stage 1, keeps the codebook bit for bit and restarts its own")
    func training() throws {
        let program = try afterStageOne()
        let stageOne = try LightningCheckpoint(contentsOf: program.folder.path("stage1.ckpt"))
        let result = try fit(program, steps: 6, Self.load + ["--data.val_fraction", "0.2"])
        try #require(result.status == 0, "\(result.error)")
        #expect(
            result.error.contains("note: model.stage_one_ckpt: stage1.ckpt: took action_latent, vq.codebook.weight;"))
        #expect(result.output.contains("restarted") && result.output.contains("of 6 in use"), "\(result.output)")

        let checkpoint = try program.checkpoint()
        let keys = Array(checkpoint.stateDict.keys)
        let added = keys.filter { stageOne.stateDict[$0] == nil }
        #expect(
            added == [
                "lam.action_latent_controllable", "lam.to_codebook_uncontrol.weight", "lam.to_codebook_uncontrol.bias",
                "lam.action_up_uncontrol.weight", "lam.action_up_uncontrol.bias", "lam.vq_action.codebook.weight",
            ])
        #expect(keys.filter { stageOne.stateDict[$0] != nil } == Array(stageOne.stateDict.keys))
        #expect(keys.firstIndex(of: "lam.action_latent_controllable") == 1 && keys.last == added.last)
        let codebook = try #require(checkpoint.stateDict["lam.vq.codebook.weight"])
        #expect(codebook.shape == [8, 8] && checkpoint.stateDict["lam.vq_action.codebook.weight"]?.shape == [6, 8])
        #expect(codebook.bytes() == stageOne.stateDict["lam.vq.codebook.weight"]?.bytes())

        // Lightning lists a frozen parameter in its group and keeps no moments of it.
        let adamW = try #require(checkpoint.optimizers.first)
        let frozen = try #require(keys.firstIndex(of: "lam.vq.codebook.weight"))
        #expect(adamW.groups[0].params == Array(keys.indices))
        #expect(Array(adamW.moments.keys) == keys.indices.filter { $0 != frozen })
        #expect(checkpoint.trainer?.tensors["vq.usage"]?.shape == [8])
        #expect(checkpoint.trainer?.tensors["vq_action.usage"]?.shape == [6])
        let values = checkpoint.hyperParameters?.values
        #expect(values?["stage"]?.string == "stage-2" && values?["stage_one_ckpt"]?.string == "stage1.ckpt")
    }

    @Test("the logged values are the original's, in training and validation")
    func tags() throws {
        let program = try afterStageOne()
        let result = try fit(
            program, steps: 2,
            Self.load + [
                "--data.val_fraction", "0.2", "--trainer.limit_train_batches", "2", "--model.usage", "original",
            ])
        try #require(result.status == 0, "\(result.error)")
        let text = try String(
            contentsOf: program.folder.url("logs/tiny/version_0/metrics.jsonl"), encoding: .utf8)
        for name in [
            "mse_loss", "q_loss", "commit_loss", "q_loss_uncontrol", "commit_loss_uncontrol", "code_usage",
            "code_usage_uncontrol",
        ] {
            for tag in ["train/\(name)_step", "train/\(name)_epoch", "val/\(name)"] {
                #expect(text.contains("\"\(tag)\":"), "\(tag)")
            }
        }
        let usage = try text.split(separator: "\n").compactMap { line in
            try JSONDecoder().decode(JSONValue.self, from: Data(line.utf8))["train/code_usage_uncontrol_step"]?.double
        }
        // The original divides by 32 whatever the codebook's size; stage 1 left eight codes.
        #expect(usage.count == 2 && usage.allSatisfy { $0 > 0 && $0 <= 8.0 / 32 && $0 * 32 == ($0 * 32).rounded() })
    }

    @Test("a monitor may name a value of stage 2, in stage 2 only")
    func monitor() throws {
        let program = try afterStageOne(changing: [
            "save_top_k: -1": "save_top_k: 1\n        monitor: train/q_loss_uncontrol"
        ])
        let result = try fit(program, steps: 2, Self.load)
        #expect(result.status == 0, "\(result.error)")
        let stageOne = try program.fit("--trainer.max_steps", "2")
        #expect(stageOne.status != 0 && stageOne.error.contains("train/q_loss_uncontrol"))
    }

    @Test("stage 2 resumes bit for bit from its own checkpoint, without stage 1's file")
    func resume() throws {
        let whole = try afterStageOne()
        let uncut = try fit(whole, steps: 7, Self.load)
        try #require(uncut.status == 0, "\(uncut.error)")
        let expected = TrainingState(try whole.checkpoint())
        // Before and after a restart of codes.
        for cut in [2, 4] {
            let parts = try afterStageOne()
            let first = try fit(parts, steps: cut, Self.load)
            try #require(first.status == 0, "\(first.error)")
            try FileManager.default.removeItem(at: parts.folder.url("stage1.ckpt"))
            let second = try fit(parts, steps: 7, Self.load + ["--ckpt_path", "last"])
            try #require(second.status == 0, "\(second.error)")
            #expect(second.error.contains("note: model.stage_one_ckpt: stage1.ckpt: not read"))
            #expect(TrainingState(try parts.checkpoint()).differences(from: expected) == [], "cut at \(cut)")
        }
    }

    @Test("without stage 1's file the frozen codebook is a random one of the original's size, which is said")
    func withoutStageOne() throws {
        let program = try LamProgram()
        let result = try fit(program, steps: 2, [])
        #expect(result.status == 0, "\(result.error)")
        #expect(result.error.contains("without stage_one_ckpt the frozen codebook is a random one"))
        #expect(try program.checkpoint().stateDict["lam.vq.codebook.weight"]?.shape == [16, 8])
    }

    @Test("a stage-1 checkpoint that cannot be used is named with what is wrong")
    func badStageOne() throws {
        let program = try afterStageOne()
        let stageTwo = Self.options + ["--model.stage_one_ckpt"]
        try program.expectRefusal(stageTwo + ["nowhere.ckpt"], says: ["model.stage_one_ckpt", "nowhere.ckpt"])
        try program.expectRefusal(stageTwo + ["checkpoint\u{0}"], says: ["model.stage_one_ckpt"])
        try program.expectRefusal(
            stageTwo + ["stage1.ckpt", "--model.lam_latent_dim", "9"],
            says: ["stage1.ckpt", "lam.vq.codebook.weight", "expected shape [8, 9], got [8, 8]"])
        try program.expectRefusal(
            stageTwo + ["stage1.ckpt", "--model.lam_patch_size", "16"],
            says: ["stage1.ckpt", "lam.action_latent", "expected shape [1, 1, 4, 768], got [1, 1, 4, 192]"])
        let good = try Data(contentsOf: program.folder.url("stage1.ckpt"))
        try good.prefix(good.count / 2).write(to: program.folder.url("cut.ckpt"))
        try program.expectRefusal(stageTwo + ["cut.ckpt"], says: ["cut.ckpt"])
        var checkpoint = try LightningCheckpoint(contentsOf: program.folder.path("stage1.ckpt"))
        let codebook = "lam.vq.codebook.weight"
        checkpoint.stateDict[codebook] = nil
        try checkpoint.write(to: program.folder.path("none.ckpt"))
        try program.expectRefusal(stageTwo + ["none.ckpt"], says: ["none.ckpt", codebook, "found none among"])
        for shape in [[64], [0, 8], [8, 1, 8]] {
            checkpoint.stateDict[codebook] = StoredTensor(
                floats: [Float](repeating: 0, count: shape.reduce(1, *)), shape: shape)
            try checkpoint.write(to: program.folder.path("shape.ckpt"))
            try program.expectRefusal(stageTwo + ["shape.ckpt"], says: ["shape.ckpt", codebook, "\(shape)"])
        }
    }

    @Test("a checkpoint of the other stage, of a model with instructions or of another encoder is not resumed")
    func otherModel() throws {
        let program = try afterStageOne()
        try program.expectRefusal(
            Self.options + ["--ckpt_path", "stage1.ckpt"],
            says: ["stage1.ckpt", "expected a checkpoint of stage-2", "model.stage_one_ckpt"])
        #expect(try fit(program, steps: 2, Self.load).status == 0)
        try FileManager.default.removeItem(at: program.folder.url("logs"))
        try program.expectRefusal(
            ["--ckpt_path", "checkpoints/last.ckpt"],
            says: ["last.ckpt", "expected a checkpoint of stage-1", "set model.stage to stage-2"])
        var checkpoint = try LightningCheckpoint(contentsOf: program.folder.path("stage1.ckpt"))
        checkpoint.stateDict["lam.lang_proj.weight"] = StoredTensor(floats: [0], shape: [1, 1])
        try checkpoint.write(to: program.folder.path("text.ckpt"))
        try program.expectRefusal(
            ["--ckpt_path", "text.ckpt"], says: ["text.ckpt", "trained with instructions", "t5-base"])
        checkpoint.stateDict["lam.lang_proj.weight"] = nil
        checkpoint.hyperParameters = nil
        for (tensor, encoder) in [("cls_token", "dinov3-vitb16"), ("pos_embed", "dinov2-vitb14-reg")] {
            checkpoint.stateDict["lam.dino_encoder.\(tensor)"] = StoredTensor(floats: [0], shape: [1])
            try checkpoint.write(to: program.folder.path("foreign.ckpt"))
            try program.expectRefusal(
                ["--ckpt_path", "foreign.ckpt"], says: ["foreign.ckpt", "features of \(encoder)"])
        }
    }

    @Test("instructions are refused by stage 2")
    func instructions() throws {
        try LamProgram().expectRefusal(
            Self.options + ["--model.text_encoder", "t5-base"], status: 2,
            says: ["model.text_encoder", "stage-2"])
    }

    @Test("labels have the codes of both codebooks, in files and as features")
    func labels() throws {
        let program = try afterStageOne()
        try #require(fit(program, steps: 2, Self.load).status == 0)
        let result = try program.run(
            ["predict", "--config", "config.yaml", "--ckpt_path", "last", "--merge", "merged"] + Self.options
                + Self.load)
        #expect(result.status == 0, "\(result.error)")
        for episode in 0..<6 {
            let name = "toto_push_lf_v21/chunk-000/episode_00000\(episode).parquet"
            let labels = try ParquetFile(path: program.folder.path("latent_actions/\(name)"))
            let data = name.replacingOccurrences(of: "v21/", with: "v21/data/")
            let merged = try ParquetFile(path: program.folder.path("merged/\(data)"))
            for feature in ["latent_action", "latent_action_uncontrolled"] {
                let codes = try labels.values(feature)
                let none = ParquetValue.list([ParquetValue](repeating: .int(-1), count: 4))
                let rest = [ParquetValue](repeating: none, count: merged.rowCount - codes.count)
                #expect(try !codes.isEmpty && merged.values(feature) == codes + rest)
            }
        }
    }
}
