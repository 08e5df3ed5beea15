import Formats
import Foundation
import Checkpoints
import LAMTrain
import TestSupport
import Testing

@Suite struct LightningCheckpointTests {
    static let runs = ["cli_fp32", "plain_fp16mixed_scaler"]
    private static func golden(_ run: String, _ file: String) -> URL {
        Goldens.url("lam/lightning_ckpt/\(run)/\(file)")
    }

    @Test("everything in a checkpoint of Lightning is read", arguments: runs)
    func structure(run: String) throws {
        let file = try TorchFile(path: Self.golden(run, "last.ckpt").path)
        var tree = ExpectedStructure()
        tree.compare(file.root, try JSONValue(contentsOf: Self.golden(run, "structure.json")))
        #expect(tree.differences.isEmpty)
    }

    @Test("the weights are those that the run ended with")
    func weights() throws {
        let checkpoint = try LightningCheckpoint(contentsOf: Self.golden("cli_fp32", "last.ckpt").path)
        let expected = try SafeTensors(path: Self.golden("cli_fp32", "final_weights.safetensors").path)
        #expect(checkpoint.epoch == 0 && checkpoint.globalStep == 3 && checkpoint.lightningVersion == "2.6.6")
        #expect(Set(checkpoint.stateDict.keys) == Set(expected.tensors.keys))
        for (name, tensor) in checkpoint.stateDict {
            let reference = try expected.tensor(name)
            #expect(tensor.shape == reference.shape && tensor.bytes() == reference.bytes(), "\(name)")
        }
        let adamW = try #require(checkpoint.optimizers.first)
        #expect(checkpoint.optimizers.count == 1)
        #expect(adamW.groups[0].params == Array(0...73))
        #expect(adamW.groups[0].lr == 1e-4 && adamW.groups[0].betas == (0.9, 0.999))
        #expect(Array(adamW.moments.keys) == [0] + Array(20...73))
        #expect(adamW.moments.values.allSatisfy { $0.step == 3 })
    }

    @Test("optimiser moments belong to the parameters they are named for")
    func moments() throws {
        let checkpoint = try LightningCheckpoint(contentsOf: Self.golden("cli_fp32", "last.ckpt").path)
        let expected = try SafeTensors(path: Self.golden("cli_fp32", "optimizer_state_by_name.safetensors").path)
        let names = Array(checkpoint.stateDict.keys)
        for (index, moments) in try #require(checkpoint.optimizers.first).moments {
            let average = try #require(
                expected.tensors.first { $0.key.hasPrefix(names[index]) && $0.key.hasSuffix("exp_avg") })
            #expect(average.value.bytes() == moments.expAvg.bytes(), "\(names[index])")
        }
    }

    @Test("the loop counters are those that Lightning wrote for the same progress", arguments: runs)
    func progress(run: String) throws {
        let progress = LightningProgress(
            epoch: 0, batches: 3, batchesInEpoch: 3, optimizerSteps: 3, optimizerStepsInEpoch: 3)
        let structure = try JSONValue(contentsOf: Self.golden(run, "structure.json"))
        var tree = ExpectedStructure()
        tree.compare(progress.pickle, try #require(structure["loops"]))
        #expect(tree.differences.isEmpty)
        #expect(try LightningCheckpoint(contentsOf: Self.golden(run, "last.ckpt").path).progress() == progress)
    }

    @Test("the state of ModelCheckpoint is what Lightning wrote", arguments: runs)
    func modelCheckpoint(run: String) throws {
        var state = ModelCheckpointState(everyNTrainSteps: 3)
        state.dirpath = "/logs/lam_training"
        state.bestModelPath = "/logs/lam_training/epoch=0-step=3.ckpt"
        state.lastModelPath = "/logs/lam_training/last.ckpt"
        let structure = try JSONValue(contentsOf: Self.golden(run, "structure.json"))
        var tree = ExpectedStructure()
        tree.compare(.dict([.string(state.key): state.pickle]), try #require(structure["callbacks"]))
        #expect(tree.differences.isEmpty)
        let checkpoint = try LightningCheckpoint(contentsOf: Self.golden(run, "last.ckpt").path)
        #expect(try checkpoint.modelCheckpoints() == [state])
    }

    @Test("the kept checkpoints and their scores survive a checkpoint")
    func bestModels() throws {
        let folder = try TemporaryFolder()
        var state = ModelCheckpointState(everyNTrainSteps: 100, monitor: "val/loss", mode: "max")
        state.bestModelScore = 0.5
        state.currentScore = 0.25
        state.bestKModels = ["a.ckpt": 0.5, "b.ckpt": 0.25]
        state.kthBestModelPath = "b.ckpt"
        state.kthValue = 0.25
        var checkpoint = LightningCheckpoint(epoch: 0, globalStep: 0, stateDict: [:])
        checkpoint.callbacks[.string(state.key)] = state.pickle
        try checkpoint.write(to: folder.path("last.ckpt"))
        #expect(try LightningCheckpoint(contentsOf: folder.path("last.ckpt")).modelCheckpoints() == [state])
    }

    @Test("progress at an epoch's end survives a checkpoint")
    func epochEnd() throws {
        let folder = try TemporaryFolder()
        let progress = LightningProgress(
            epoch: 4, batches: 50, batchesInEpoch: 10, optimizerSteps: 25, optimizerStepsInEpoch: 5, isLastBatch: true,
            isEpochEnd: true)
        var checkpoint = LightningCheckpoint(epoch: 4, globalStep: 25, stateDict: [:])
        checkpoint.loops = progress.pickle
        try checkpoint.write(to: folder.path("last.ckpt"))
        #expect(try LightningCheckpoint(contentsOf: folder.path("last.ckpt")).progress() == progress)
    }

    @Test("a checkpoint of Lightning survives being read and written", arguments: runs)
    func rewritesGolden(run: String) throws {
        let folder = try TemporaryFolder()
        try LightningCheckpoint(contentsOf: Self.golden(run, "last.ckpt").path).write(to: folder.path("copy.ckpt"))
        var tree = ExpectedStructure()
        let root = try TorchFile(path: folder.path("copy.ckpt")).root
        tree.compare(root, try JSONValue(contentsOf: Self.golden(run, "structure.json")))
        #expect(tree.differences.isEmpty)
    }

    private func sample() -> LightningCheckpoint {
        var checkpoint = LightningCheckpoint(
            epoch: 1, globalStep: 12,
            stateDict: [
                "lam.frozen": StoredTensor(floats: [1, 2], shape: [2]),
                "lam.vq.codebook.weight": StoredTensor(floats: [0.5, -0.0, .nan, 3], shape: [2, 2]),
            ])
        var group = AdamWState.Group(lr: 3e-4, params: [0, 1])
        group.fused = true
        group.initialLR = 1e-3
        checkpoint.optimizers = [
            AdamWState(
                moments: [
                    1: .init(
                        step: 12, expAvg: StoredTensor(floats: [1, 2, 3, 4], shape: [2, 2]),
                        expAvgSq: StoredTensor(floats: [5, 6, 7, 8], shape: [2, 2]))
                ],
                groups: [group])
        ]
        checkpoint.hyperParameters = .init(values: ["lam_model_dim": 768, "stage": "stage-1", "lr": 0.1])
        checkpoint.trainer = .init(
            strings: ["stream": #"{"cursor":7}"#],
            tensors: ["vq.usage": StoredTensor(int64s: [3, 0], shape: [2])])
        return checkpoint
    }

    @Test("what this trainer writes is read back bit for bit")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let original = sample()
        try original.write(to: folder.path("last.ckpt"))
        let copy = try LightningCheckpoint(contentsOf: folder.path("last.ckpt"))
        #expect(copy.epoch == 1 && copy.globalStep == 12)
        #expect(copy.stateDict.keys == original.stateDict.keys)
        for (name, tensor) in original.stateDict { #expect(copy.stateDict[name]?.bytes() == tensor.bytes()) }
        let adamW = try #require(copy.optimizers.first)
        #expect(Array(adamW.moments.keys) == [1])
        #expect(adamW.moments[1]?.step == 12)
        #expect(adamW.moments[1]?.expAvg.floats() == [1, 2, 3, 4])
        #expect(adamW.moments[1]?.expAvgSq.floats() == [5, 6, 7, 8])
        #expect(adamW.groups[0].params == [0, 1] && adamW.groups[0].lr == 3e-4)
        #expect(adamW.groups[0].fused == true && adamW.groups[0].foreach == nil && adamW.groups[0].initialLR == 1e-3)
        #expect(copy.hyperParameters?.values["lam_model_dim"]?.int == 768)
        #expect(copy.trainer?.strings == ["stream": #"{"cursor":7}"#])
        #expect(try copy.trainer?.tensors["vq.usage"]?.int64s() == [3, 0])
    }

    @Test("integers that earlier versions kept beside the texts are passed over, and earlier versions find the entry")
    func integersOfEarlierVersions() throws {
        let folder = try TemporaryFolder()
        try sample().write(to: folder.path("new.ckpt"))
        var root = try #require(try TorchFile(path: folder.path("new.ckpt")).root.dict)
        var trainer = try #require(root["lam_trainer"]?.dict)
        #expect(trainer["integers"]?.dict?.entries.isEmpty == true)
        trainer["integers"] = ["seed": 42]
        root["lam_trainer"] = .dict(trainer)
        try TorchFile.write(.dict(root), to: folder.path("old.ckpt"), rootFolder: "archive")
        let old = try LightningCheckpoint(contentsOf: folder.path("old.ckpt"))
        #expect(old.trainer?.strings == ["stream": #"{"cursor":7}"#])
    }

    @Test("a checkpoint that was cut anywhere is an error of one line that names the file")
    func truncated() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("last.ckpt")
        try sample().write(to: path)
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        for length in stride(from: 0, to: bytes.count, by: 97) {
            try AtomicFile.write(Array(bytes.prefix(length)), to: path)
            let error = #expect(throws: CheckpointError.self) { try LightningCheckpoint(contentsOf: path) }
            #expect(error?.description.contains(path) == true && error?.description.contains("\n") == false)
        }
    }

    @Test("missing entries and tensors, and other shapes, are told by name")
    func mismatches() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("a.ckpt")
        try TorchFile.write(["epoch": 1, "state_dict": [:]], to: path)
        #expect(throws: CheckpointError.missingKey(path: path, key: "global_step")) {
            try LightningCheckpoint(contentsOf: path)
        }
        try TorchFile.write(["epoch": "one", "state_dict": [:]], to: path)
        #expect(throws: CheckpointError.wrongType(path: path, key: "epoch", expected: "an integer")) {
            try LightningCheckpoint(contentsOf: path)
        }
        try sample().write(to: path)
        let checkpoint = try LightningCheckpoint(contentsOf: path)
        #expect(throws: CheckpointError.missingTensors(path: path, names: ["lam.decoder"])) {
            try checkpoint.tensors(matching: ["lam.frozen": [2], "lam.decoder": [1]])
        }
        #expect(
            throws: CheckpointError.shape(
                path: path, tensor: "lam.vq.codebook.weight", expected: [4, 4], got: [2, 2])
        ) { try checkpoint.tensors(matching: ["lam.vq.codebook.weight": [4, 4]]) }
        #expect(try checkpoint.tensors(matching: ["lam.frozen": [2]])["lam.frozen"]?.floats() == [1, 2])
    }

    @Test("weights alone are read from minimal checkpoints and bare state dicts")
    func weightsOnly() throws {
        #expect(
            try LightningCheckpoint.stateDict(contentsOf: Goldens.url("lam/lam_stage1/weights.pth").path).count > 10)
        #expect(try LightningCheckpoint.stateDict(contentsOf: Self.golden("cli_fp32", "last.ckpt").path).count == 74)
    }
}
