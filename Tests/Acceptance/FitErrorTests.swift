import Formats
import Foundation
import LAMTrain
import TestSupport
import Testing

/// What `lam fit` answers to input that it cannot use: one line, the right exit code, and nothing on the disk.
@Suite struct FitErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let options: [String]
        let status: Int32
        /// Parts of the message.
        let says: [String]

        init(_ description: String, _ options: [String], _ status: Int32, _ says: [String]) {
            (testDescription, self.options, self.status, self.says) = (description, options, status, says)
        }

        static func bad(_ name: String, _ says: String...) -> Case {
            Case(name, ["--data.dataset_mix", "[[bad/\(name), 1.0]]"], 3, says)
        }
    }

    static let datasets: [Case] = [
        .bad("lfs_pointers_v21", "LFS", "git lfs pull"),
        .bad("missing_video_v30", "observation.image", ".mp4"),
        .bad("truncated_parquet_v21", "episode_000001.parquet"),
        .bad("empty_meta_v21", "info.json"),
        .bad("future_version", "v4.0", "v3.0"),
        .bad("old_version", "v1.6"),
        .bad("path_escape_v30", "data_path"),
        .bad("unknown_placeholder_v30", "video_path"),
        .bad("fps_zero_v30", "fps"),
        .bad("length_mismatch_v21", "episode 1"),
        .bad("missing_camera_key_v30", "camera"),
        .bad("broken_jsonl_v21", "episodes.jsonl:3"),
        Case(
            "a dataset that is not there", ["--data.dataset_mix", "[[nowhere, 1.0]]"], 3, ["nowhere", "meta/info.json"]),
        Case("a root that is not there", ["--data.root", "/nowhere"], 3, ["/nowhere"]),
        Case(
            "a camera that is not there", ["--data.image_keys", "{toto: observation.images.nowhere}"], 3,
            ["observation.images.nowhere", "observation.images.image"]),
        Case("episodes shorter than the window", ["--data.window", "100000"], 3, ["toto_push_lf_v21", "100000"]),
        Case(
            "nothing held out", ["--data.dataset_mix", "[[image_kinds_v21, 1.0]]", "--data.val_fraction", "0.5"], 3, []),
    ]

    @Test("a dataset that cannot be used ends with 3 and its name", arguments: datasets)
    func dataset(_ aCase: Case) throws {
        try LamProgram().expectRefusal(aCase.options, status: aCase.status, says: aCase.says)
    }

    @Test("a video that is shorter than its episode, or cut to its first bytes, ends the run with 3")
    func unusableVideos() throws {
        let cut = try damaged("toto_push_lf_v21", "videos/chunk-000/observation.images.image/episode_000001.mp4") {
            $0 = $0.prefix(40)
        }
        let short = (program: try LamProgram(), options: ["--data.dataset_mix", "[[bad/video_short_v21, 1.0]]"])
        for (aCase, name) in [(cut, "episode_000001.mp4"), (short, "episode 0")] {
            let result = try aCase.program.fit(aCase.options + ["--trainer.max_steps", "100"])
            #expect(result.status == 3, "\(result.output)")
            #expect(result.error.contains(name), "\(result.error)")
            #expect(result.error.split(separator: "\n").count == 1)
            #expect(!aCase.program.files().contains { $0.contains(".tmp-") })
        }
    }

    @Test("a video that breaks off ends the run with 3 where its frames are wanted, with no temporary file")
    func truncatedVideo() throws {
        let program = try LamProgram()
        let result = try program.fit(
            "--data.dataset_mix", "[[bad/truncated_video_v30, 1.0]]", "--trainer.max_steps", "50")
        #expect(result.status == 3, "\(result.error)")
        #expect(result.error.contains("truncated_video_v30") && result.error.contains("episode"))
        #expect(result.error.split(separator: "\n").count == 1)
        #expect(!program.files().contains { $0.contains(".tmp-") })
    }

    static let settings: [Case] = [
        Case("a weight of 0", ["--data.dataset_mix", "[[toto_push_lf_v21, 0.0]]"], 2, ["dataset_mix[0]", "0.0"]),
        Case("a negative weight", ["--data.dataset_mix", "[[toto_push_lf_v21, -1]]"], 2, ["-1"]),
        Case("a weight that is no number", ["--data.dataset_mix", "[[toto_push_lf_v21, .nan]]"], 2, ["dataset_mix"]),
        Case("an infinite weight", ["--data.dataset_mix", "[[toto_push_lf_v21, .inf]]"], 2, ["dataset_mix"]),
        Case("an empty mix", ["--data.dataset_mix", "[]"], 2, ["data.dataset_mix"]),
        Case(
            "an unknown key", ["--model.lam_model_dims", "64"], 2, ["lam_model_dims", "did you mean", "lam_model_dim"]),
        Case("a wrong type", ["--model.lam_enc_blocks", "many"], 2, ["model.lam_enc_blocks", "expected", "many"]),
        Case("a file that is not there", ["--config", "nowhere.yaml"], 2, ["nowhere.yaml"]),
        Case("heads that do not divide the width", ["--model.lam_num_heads", "5"], 2, ["lam_num_heads"]),
        Case("patches that do not divide the frame", ["--model.lam_patch_size", "7"], 2, ["lam_patch_size"]),
        Case("a negative learning rate", ["--model.optimizer.init_args.lr", "-1"], 2, ["lr", "-1"]),
        Case("a learning rate that is no number", ["--model.optimizer.init_args.lr", ".nan"], 2, ["lr"]),
        Case("a batch of none", ["--data.batch_size", "0"], 2, ["data.batch_size"]),
        Case("a word without its option", ["stray"], 2, ["stray"]),
        Case("an option without its value", ["--model.lam_model_dim"], 2, ["lam_model_dim"]),
        Case("a checkpoint that is not there", ["--ckpt_path", "nowhere.ckpt"], 2, ["--ckpt_path nowhere.ckpt"]),
        Case("no last checkpoint", ["--ckpt_path", "last"], 2, ["last", "checkpoints"]),
    ]

    @Test("a setting that cannot be used is named", arguments: settings)
    func setting(_ aCase: Case) throws {
        try LamProgram().expectRefusal(aCase.options, status: aCase.status, says: aCase.says)
    }

    @Test(
        "a fault in a file is named with its line and column",
        arguments: [
            ("model:\n  lam_model_dim: 32\n  lam_enc_bloks: 1\n", ["bad.yaml:3:3", "lam_enc_blocks"]),
            ("model:\n  lam_model_dim: [1, 2]\n", ["bad.yaml:2:18", "lam_model_dim"]),
            ("model: {lam_model_dim: 32\ndata: 3\n", ["bad.yaml:"]),
            ("model:\n\tlam_model_dim: 32\n", ["bad.yaml:2:"]),
            ("just words\n", ["bad.yaml:1:1"]),
            ("data:\n  batch_size: 4\n  batch_size: 5\n", ["bad.yaml:3:3", "bad.yaml:2:3"]),
            ("model: !!python/object/apply:os.system ['true']\n", ["bad.yaml:1:"]),
        ])
    func file(_ text: String, _ says: [String]) throws {
        let program = try LamProgram()
        _ = try program.folder.write(text, to: "bad.yaml")
        try program.expectRefusal(["--config", "bad.yaml"], status: 2, says: says)
    }

    /// Copies a good dataset into the program's folder and damages one file.
    private func damaged(
        _ name: String, _ file: String, _ change: (inout Data) throws -> Void
    ) throws -> (program: LamProgram, options: [String]) {
        let program = try LamProgram()
        let copy = program.folder.url(name)
        try FileManager.default.copyItem(at: Goldens.url("datasets/\(name)"), to: copy)
        let target = copy.appendingPathComponent(file)
        var data = try Data(contentsOf: target)
        try change(&data)
        try data.write(to: target)
        return (program, ["--data.root", ".", "--data.dataset_mix", "[[\(name), 1.0]]"])
    }

    @Test(
        "an empty or cut file of a dataset is named",
        arguments: [
            ("meta/info.json", 0), ("meta/info.json", 40), ("meta/episodes.jsonl", 0), ("meta/episodes.jsonl", 40),
            ("data/chunk-000/episode_000002.parquet", 0), ("data/chunk-000/episode_000002.parquet", 40),
            ("videos/chunk-000/observation.images.image/episode_000001.mp4", 0),
        ])
    func cut(_ file: String, _ bytes: Int) throws {
        let (program, options) = try damaged("toto_push_lf_v21", file) { $0 = $0.prefix(bytes) }
        let name = String(file.split(separator: "/").last ?? "")
        try program.expectRefusal(options, status: 3, says: [name])
    }

    @Test("a missing episode file is named")
    func missing() throws {
        for file in [
            "data/chunk-000/episode_000001.parquet",
            "videos/chunk-000/observation.images.image/episode_000001.mp4",
        ] {
            let (program, options) = try damaged("toto_push_lf_v21", file) { _ in }
            try FileManager.default.removeItem(at: program.folder.url("toto_push_lf_v21/\(file)"))
            try program.expectRefusal(options, status: 3, says: [String(file.split(separator: "/").last ?? "")])
        }
    }

    @Test("counts in info.json that disagree with the tables are told, and stop nothing")
    func counts() throws {
        for key in ["total_episodes", "total_frames"] {
            let (program, options) = try damaged("toto_push_lf_v21", "meta/info.json") { data in
                let text = String(decoding: data, as: UTF8.self)
                data = Data(text.replacing(try Regex("\"\(key)\": *\\d+"), with: "\"\(key)\": 9999").utf8)
            }
            let result = try program.fit(options + ["--trainer.max_steps", "1"])
            #expect(result.status == 0)
            let text = result.output + result.error
            #expect(text.contains("\(key.dropFirst("total_".count)): meta/info.json says 9999"), "\(text)")
        }
    }

    @Test("a checkpoint that is cut, of another shape, or not a checkpoint changes nothing")
    func checkpoints() throws {
        let program = try LamProgram()
        let maker = try LamProgram()
        #expect(try maker.fit("--trainer.max_steps", "2").status == 0)
        let good = try Data(contentsOf: maker.folder.url("checkpoints/last.ckpt"))
        try good.write(to: program.folder.url("good.ckpt"))
        for share in [0.0, 0.1, 0.5, 0.9, 0.999] {
            try good.prefix(Int(Double(good.count) * share)).write(to: program.folder.url("cut.ckpt"))
            try program.expectRefusal(["--ckpt_path", "cut.ckpt"], status: 1, says: ["cut.ckpt"])
        }
        try program.expectRefusal(
            ["--ckpt_path", "good.ckpt", "--model.lam_model_dim", "64"], status: 1,
            says: ["good.ckpt", "model.lam_model_dim 32, got 64", "set model.lam_model_dim to 32"])
        try program.expectRefusal(
            ["--ckpt_path", "good.ckpt", "--model.lam_enc_blocks", "2"], status: 1,
            says: ["good.ckpt", "set model.lam_enc_blocks to 1"])
        _ = try program.folder.write("no checkpoint", to: "text.ckpt")
        try program.expectRefusal(["--ckpt_path", "text.ckpt"], status: 1, says: ["text.ckpt"])
        // A pickle that would run a command when Python loads it: cos, system, MARK, text, TUPLE, REDUCE, STOP.
        try Data("\u{80}\u{2}cos\nsystem\n(S'touch owned'\ntR.".unicodeScalars.map { UInt8($0.value) })
            .write(to: program.folder.url("hostile.ckpt"))
        try program.expectRefusal(["--ckpt_path", "hostile.ckpt"], status: 1, says: ["hostile.ckpt"])
        #expect(!program.exists("owned"))
    }

    @Test("a folder for checkpoints that cannot be made is named")
    func checkpointFolder() throws {
        let program = try LamProgram(changing: ["dirpath: checkpoints": "dirpath: config.yaml/below"])
        let result = try program.fit()
        #expect(result.status == 1)
        // The file that stands where a folder above it is to be.
        #expect(result.error.contains("/config.yaml: expected a folder or nothing, got a file"), "\(result.error)")
        #expect(result.error.split(separator: "\n").count == 1)
    }

    @Test("a checkpoint whose counters cannot be is refused")
    func counters() throws {
        let program = try LamProgram()
        #expect(try program.fit("--trainer.max_steps", "2").status == 0)
        var checkpoint = try program.checkpoint()
        let text = try #require(checkpoint.trainer?.strings["progress"])
        for value in ["-1", "9223372036854775807"] {
            checkpoint.trainer?.strings["progress"] = text.replacing(
                try Regex("\"globalStep\": *\\d+"), with: "\"globalStep\":\(value)")
            try checkpoint.write(to: program.folder.path("wrong.ckpt"))
            let result = try program.fit(
                "--ckpt_path", "wrong.ckpt", "--trainer.max_steps", "-1", "--trainer.max_epochs", "1")
            #expect(result.status == 1, "\(result.error)")
            #expect(result.error.contains("wrong.ckpt"))
        }
    }
}
