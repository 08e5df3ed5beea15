import Formats
import Foundation
import LAMTrain
import OrderedCollections
import Parity
import TestSupport
import Testing
import Wan

/// `lam extract-latents` as a user runs it, on the reference's dataset and weights.
@Suite struct ExtractLatentsTests {
    private static let reference = Goldens.url("wan/latents_pth").path
    private static let weights = reference + "/ckpt_dir"

    /// The program in a folder with a copy of the dataset.
    private func program() throws -> LamProgram {
        let program = try LamProgram()
        try FileManager.default.copyItem(
            at: Goldens.url("wan/latents_pth/dataset"), to: program.folder.url("dataset"))
        return program
    }

    private func extract(_ program: LamProgram, _ options: String..., weights: String = weights) throws
        -> LamProgram.Result
    {
        try extract(program, weights: weights, options)
    }

    private func extract(_ program: LamProgram, weights: String = weights, _ options: [String]) throws
        -> LamProgram.Result
    {
        let started = try start(program, weights: weights, options)
        return try program.result(of: started)
    }

    private func start(
        _ program: LamProgram, weights: String = weights, _ options: [String] = []
    ) throws -> (process: Process, output: URL, error: URL) {
        let started = try program.process(
            ["extract-latents", "--ckpt_dir", weights, "--dataset_path", "dataset"] + options)
        // Tests run side by side.
        started.process.environment = ProcessInfo.processInfo.environment.merging(["OMP_NUM_THREADS": "1"]) { $1 }
        try started.process.run()
        return started
    }

    private func compare(
        _ program: LamProgram, _ run: String, _ padding: ExtractionOptions.TextPadding = .full,
        dataset: String = "dataset"
    ) throws {
        let report = try ParityRunner.compareLatents(
            ofDataset: program.folder.path(dataset), run: run, padding: padding, case: Self.reference)
        #expect(!report.lines.isEmpty)
        for line in report.lines where !line.passes { Issue.record("\(line)") }
    }

    private func latents(_ program: LamProgram) -> [String] {
        program.files().filter { $0.hasPrefix("dataset/latents/") && $0.hasSuffix(".pth") }
    }

    /// What tells a file from another one put in its place.
    private func number(of file: String, _ program: LamProgram) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: program.folder.path(file))[.systemFileNumber] as? Int
    }

    private func changeEpisodes(_ program: LamProgram, _ change: (String) -> String) throws {
        let file = program.folder.url("dataset/meta/episodes.jsonl")
        try change(String(contentsOf: file, encoding: .utf8)).write(to: file, atomically: true, encoding: .utf8)
    }

    @Test("two processes under mpirun share the videos, and one of them tells what both have left out")
    func ranks() throws {
        let program = try program()
        func extract() throws -> LamProgram.Result {
            let started = try program.process(
                ranks: 2, ["extract-latents", "--ckpt_dir", Self.weights, "--dataset_path", "dataset", "--verify"])
            try started.process.run()
            return try program.result(of: started)
        }
        let first = try extract()
        #expect(first.status == 0, "\(first.error)")
        #expect(first.output.components(separatedBy: "files written").count == 2, "\(first.output)")
        try compare(program, "default")
        let files = latents(program)
        #expect(first.output.contains("\(files.count) files written, 0 complete before"), "\(first.output)")

        for file in program.files() where file.hasSuffix(".mp4") && file.contains("episode_000001") {
            try FileManager.default.removeItem(at: program.folder.url(file))
        }
        for file in files where file.contains("episode_000001") {
            try FileManager.default.removeItem(at: program.folder.url(file))
        }
        let second = try extract()
        #expect(second.status == 3, "\(second.error)")
        let lost = files.count { $0.contains("episode_000001") }
        #expect(
            second.output.contains("0 files written, \(files.count - lost) complete before, \(lost) left out"),
            "\(second.output)")
    }

    @Test(
        "every field of every file is the original's, for all of its runs",
        arguments: [
            ("default", [], ExtractionOptions.TextPadding.full),
            (
                "default",
                ["--text_pad", "none", "--video_keys", "observation.images.image", "observation.images.wrist_image"],
                .none
            ),
            ("target_fps_10", ["--target_fps", "10"], .full),
            ("frame_stride_4_ep0", ["--frame_stride", "4", "--max_episodes", "1", "--text_pad", "none"], .none),
            ("resize_64x96_ep0", ["--height", "64", "--width", "96", "--episodes", "0"], .full),
        ] as [(String, [String], ExtractionOptions.TextPadding)])
    func reference(_ run: String, _ options: [String], _ padding: ExtractionOptions.TextPadding) throws {
        let program = try program()
        let result = try extract(program, options)
        #expect(result.status == 0, "\(result.error)")
        try compare(program, run, padding)
        #expect(program.exists("dataset/latents/manifest.json"))
        #expect(!program.files().contains { $0.contains(".tmp-") })
    }

    @Test("the plan comes first, --wan22_root is ignored with a note, and bf16 stays near f32")
    func plan() throws {
        let program = try program()
        let result = try extract(
            program, "--precision", "bf16", "--wan22_root", "/nowhere", "--max_episodes", "1", "--device", "cpu")
        #expect(result.status == 0 && result.error.contains("--wan22_root is ignored"))
        #expect(result.output.contains("segments         4, of which 0 are complete"))
        #expect(result.output.contains("TFLOP") && result.output.contains("4 files written"))
        let tensors = try SafeTensors(path: Self.reference + "/expected/tensors.safetensors")
        for file in latents(program) {
            let inner = file.dropFirst("dataset/".count)
            let root = try TorchFile(path: program.folder.path(file)).root
            let got = try #require(root["latent"]?.tensor).contiguous()
            let expected = try tensors.tensor("default/\(inner)#latent_f32").floats()
            let worst = zip(got.floats(), expected).map { abs($0 - $1) }.max() ?? .infinity
            // The original's own bf16 run is up to 0.084 away.
            #expect(worst < 0.15, "\(file)")
        }
    }

    @Test("weights in the layout of diffusers give the same files")
    func diffusers() throws {
        let program = try program()
        let map = try JSONValue(contentsOf: Goldens.url("wan/vae/diffusers_key_map.json"))["map"]
        let textMap = try JSONValue(contentsOf: Goldens.url("wan/umt5/hf_key_map.json"))["map"]
        for folder in ["vae", "text_encoder", "tokenizer"] {
            try FileManager.default.createDirectory(
                at: program.folder.url("weights/" + folder), withIntermediateDirectories: true)
        }
        func write(_ tensors: [(name: String, tensor: StoredTensor)], _ path: String) throws {
            try SafeTensors.write(
                OrderedDictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.tensor) }),
                to: program.folder.path("weights/" + path))
        }
        let vae = try WeightFile(path: Self.weights + "/Wan2.2_VAE.pth").tensors
        try write(
            try vae.map { (try #require(map?[$0.key]?.string), $0.value) }, "vae/diffusion_pytorch_model.safetensors")
        let text = try WeightFile(path: Self.weights + "/models_t5_umt5-xxl-enc-bf16.pth").tensors
        var names: [(String, StoredTensor)] = []
        guard case .object(let pairs)? = textMap else { return }
        for (name, original) in pairs.sorted(by: { $0.key < $1.key }) where name != "encoder.embed_tokens.weight" {
            let key = try #require(original.string)
            names.append((name, try #require(text[key])))
        }
        // In two parts, as large networks come.
        let half = names.count / 2
        try write(names.prefix(half).map { ($0.0, $0.1) }, "text_encoder/model-00001-of-00002.safetensors")
        try write(names.dropFirst(half).map { ($0.0, $0.1) }, "text_encoder/model-00002-of-00002.safetensors")
        try FileManager.default.copyItem(
            atPath: Self.weights + "/google/umt5-xxl/tokenizer.json",
            toPath: program.folder.path("weights/tokenizer/tokenizer.json"))
        let result = try extract(program, weights: "weights")
        #expect(result.status == 0, "\(result.error)")
        try compare(program, "default")
    }

    @Test("a second run skips what is complete, makes damaged files anew, and --overwrite makes all anew")
    func resume() throws {
        let program = try program()
        #expect(try extract(program, "--max_episodes", "1").status == 0)
        let files = latents(program)
        #expect(files.count == 4)
        // Cut one off, remove another.
        let damaged = program.folder.url(files[0])
        try Data(contentsOf: damaged).dropLast(100).write(to: damaged)
        try FileManager.default.removeItem(at: program.folder.url(files[1]))
        let kept = try number(of: files[2], program)
        let second = try extract(program)
        #expect(second.status == 0 && second.output.contains("6 files written, 2 complete before"), "\(second.output)")
        #expect(try number(of: files[2], program) == kept)
        try compare(program, "default")
        let third = try extract(program)
        #expect(third.output.contains("0 files written, 8 complete before"))
        let again = try extract(program, "--overwrite")
        #expect(again.output.contains("8 files written, 0 complete before"))
        // Latents of two precisions do not mix, nor do those of another program with ours.
        let other = try extract(program, "--precision", "bf16")
        #expect(other.status == 2 && other.error.contains("options.precision"))
        // Nor when only some of them are made anew.
        let some = try extract(program, "--precision", "bf16", "--overwrite", "--max_episodes", "1")
        #expect(some.status == 2 && some.error.contains("options.precision") && latents(program).count == 8)
        try FileManager.default.removeItem(at: program.folder.url("dataset/latents/manifest.json"))
        let foreign = try extract(program)
        #expect(foreign.status == 2 && foreign.error.contains("manifest.json"))
    }

    @Test("a run that is killed leaves no half file, and the next one goes on")
    func interruption() throws {
        let program = try program()
        for signal in [SIGKILL, SIGTERM] {
            let started = try start(program)
            let before = latents(program).count
            while started.process.isRunning, latents(program).count <= before { usleep(2_000) }
            kill(started.process.processIdentifier, signal)
            let result = try program.result(of: started)
            // It may have been faster.
            if signal == SIGTERM { #expect(result.status == 143 || result.status == 0, "\(result.error)") }
            for file in latents(program) { _ = try TorchFile(path: program.folder.path(file)) }
        }
        #expect(try extract(program).status == 0)
        try compare(program, "default")
    }

    @Test("what cannot be encoded is named and counted, the rest is written, and the end is 3")
    func leftOut() throws {
        let program = try program()
        let long = String(repeating: "pick up the bowl ", count: 200)
        try changeEpisodes(program) { text in
            var lines = text.split(separator: "\n").map(String.init)
            lines[0] = lines[0].replacingOccurrences(
                of: "\"action_config\": [",
                with: "\"action_config\": [{\"start_frame\": -1, \"end_frame\": 5, \"action_text\": \"a\"}, "
                    + "{\"start_frame\": 9, \"end_frame\": 9, \"action_text\": \"b\"}, "
                    + "{\"start_frame\": 3, \"end_frame\": 99, \"action_text\": \"c\"}, "
                    + "{\"start_frame\": 1, \"end_frame\": 9, \"action_text\": \"\(long)\"}, {\"end_frame\": 4}, ")
            lines[1] = lines[1].replacingOccurrences(of: "action_config", with: "actions")
            return lines.joined(separator: "\n") + "\n"
        }
        let videos = "dataset/videos/chunk-000/"
        try FileManager.default.removeItem(
            at: program.folder.url(videos + "observation.images.wrist_image/episode_000000.mp4"))
        let broken = program.folder.url(videos + "observation.images.image/episode_000002.mp4")
        try Data(contentsOf: broken).prefix(3000).write(to: broken)
        let result = try extract(program)
        #expect(result.status == 3, "\(result.error)")
        #expect(result.output.contains("3 files written, 0 complete before"))
        for cause in ["no action_config", "bad segment", "text too long", "missing video", "bad video"] {
            #expect(result.output.contains(cause), "\(cause): \(result.output)")
        }
        #expect(result.error.contains("start_frame -1 is negative"))
        #expect(result.error.contains("end_frame 9 is not behind start_frame 9"))
        #expect(result.error.contains("end_frame 99 is beyond the episode's 24 frames"))
        #expect(result.error.contains("expected at most 512 tokens, got"))
        #expect(
            latents(program).map { String($0.dropFirst("dataset/latents/chunk-000/".count)) } == [
                "observation.images.image/episode_000000_0_13.pth", "observation.images.image/episode_000000_13_24.pth",
                "observation.images.wrist_image/episode_000002_4_29.pth",
            ])
        let manifest = try JSONValue(contentsOf: program.folder.url("dataset/latents/manifest.json"))
        guard case .array(let items)? = manifest["left_out"] else { return #expect(Bool(false), "no list") }
        #expect(items.count == result.error.split(separator: "\n").count { $0.hasPrefix("left out:") })
    }

    @Test("sizes that are no multiples of 16 are refused or left out with what to do")
    func sizes() throws {
        let program = try program()
        let option = try extract(program, "--height", "60", "--width", "96")
        #expect(option.status == 2 && option.error.contains("multiples of 16"))
        // Half of 48 for the wrist camera.
        let half = try extract(program, "--height", "48", "--width", "48")
        #expect(half.status == 2 && half.error.contains("wrist"))
        let given = try extract(
            program, "--height", "48", "--width", "48", "--wrist_height", "32", "--wrist_width", "16", "--max_episodes",
            "1")
        #expect(given.status == 0, "\(given.error)")
        let file = "dataset/latents/chunk-000/observation.images.wrist_image/episode_000000_0_13.pth"
        let record = try TorchFile(path: program.folder.path(file)).root
        #expect(record["latent_height"]?.int == 2 && record["latent_width"]?.int == 1)
        #expect(record["video_height"]?.int == 32 && record["video_width"]?.int == 16)
    }

    @Test("frames of a size that cannot be encoded are found with the plan, before texts are encoded for them")
    func sizesInPlan() throws {
        let program = try LamProgram()
        try FileManager.default.copyItem(
            at: Goldens.url("datasets/toto_push_lf_v21"), to: program.folder.url("dataset"))
        #expect(try program.run("action-config", "dataset", "--from-tasks").status == 0)
        let result = try extract(program)
        #expect(result.status == 3, "\(result.error)")
        #expect(result.error.contains("bad frame size: expected frames whose sides are multiples of 16"))
        #expect(result.error.contains("got 120 x 160; give --height and --width"), "\(result.error)")
        #expect(result.output.contains("texts            0 to encode"), "\(result.output)")
    }

    @Test("the chunk is that of the dataset's own chunks_size")
    func chunks() throws {
        let program = try program()
        let info = program.folder.url("dataset/meta/info.json")
        let text = try String(contentsOf: info, encoding: .utf8)
            .replacingOccurrences(of: "\"chunks_size\": 1000", with: "\"chunks_size\": 2")
        try text.write(to: info, atomically: true, encoding: .utf8)
        let videos = program.folder.url("dataset/videos")
        for key in ["observation.images.image", "observation.images.wrist_image"] {
            let target = videos.appendingPathComponent("chunk-001/\(key)")
            try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
            try FileManager.default.moveItem(
                at: videos.appendingPathComponent("chunk-000/\(key)/episode_000002.mp4"),
                to: target.appendingPathComponent("episode_000002.mp4"))
        }
        #expect(try extract(program, "--episodes", "1,2").status == 0)
        #expect(
            latents(program).map { $0.split(separator: "/")[2] } == [
                "chunk-000", "chunk-000", "chunk-001", "chunk-001",
            ])
    }

    @Test("latents are decoded back on request: decibels for each camera, and pictures")
    func verification() throws {
        let program = try program()
        let result = try extract(program, "--max_episodes", "1", "--verify", "--preview", "pictures", "--empty_emb")
        #expect(result.status == 0, "\(result.error)")
        #expect(result.output.contains("observation.images.image: decoded latents keep"))
        #expect(result.output.contains("observation.images.wrist_image: decoded latents keep"))
        let picture = program.folder.url("pictures/observation.images.image/episode_000000_0_13.png")
        let image = try PNGImage(png: Array(Data(contentsOf: picture)))
        #expect(image.width == 128 && image.height == 6 * 64)
        #expect(program.exists("dataset/empty_emb.pt"))
    }

    @Test("what is missing or wrong on the command line ends with 2 or 3 and one line")
    func errors() throws {
        let program = try program()
        #expect(try extract(program, "--device", "cuda").status == 2)
        #expect(try extract(program, "--target_fps", "0").status == 2)
        #expect(try extract(program, "--frame_stride", "-1").status == 2)
        #expect(try extract(program, "--episodes", "2-1").status == 2)
        #expect(try extract(program, "--height", "64").status == 2)
        let camera = try extract(program, "--video_keys", "observation.images.front")
        #expect(camera.status == 3 && camera.error.contains("observation.images.wrist_image"))
        #expect(try extract(program, "--episodes", "7").status == 3)
        let nowhere = try extract(program, weights: "nowhere")
        #expect(nowhere.status == 1 && nowhere.error.contains("--ckpt_dir"))
        let none = try extract(program, weights: "dataset")
        #expect(none.status == 1 && none.error.contains("google/umt5-xxl/tokenizer.json"))
        #expect(latents(program).isEmpty)
    }
}
