import Formats
import Foundation
import Parquet
import TestSupport
import Testing

/// Labels for other programs, and actions that are read off latents.
@Suite struct TransferTests {
    private static let name = "toto_push_lf_v21"
    private static let dataset = Goldens.url("datasets/\(name)").path

    private func trained() throws -> LamProgram {
        let program = try LamProgram()
        #expect(try program.fit("--trainer.max_steps", "6").status == 0)
        return program
    }

    /// The entries of a zip archive whose data are stored, as torch's and NumPy's are.
    private func entries(_ path: String) throws -> [String: [UInt8]] {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        func number(_ place: Int, _ size: Int) -> Int {
            (0..<size).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
        }
        let end = bytes.count - 22
        try #require(number(end, 4) == 0x0605_4B50)
        var (place, found) = (number(end + 16, 4), [String: [UInt8]]())
        for _ in 0..<number(end + 10, 2) {
            let (size, name) = (number(place + 20, 4), number(place + 28, 2))
            let header = number(place + 42, 4)
            let start = header + 30 + number(header + 26, 2) + number(header + 28, 2)
            found[String(decoding: bytes[place + 46..<place + 46 + name], as: UTF8.self)] = Array(
                bytes[start..<start + size])
            place += 46 + name + number(place + 30, 2) + number(place + 32, 2)
        }
        return found
    }

    /// Header and data of an `.npy` file.
    private func array(_ npy: [UInt8]) throws -> (header: String, data: ArraySlice<UInt8>) {
        try #require(Array(npy.prefix(8)) == [0x93] + Array("NUMPY".utf8) + [1, 0])
        let length = Int(npy[8]) | Int(npy[9]) << 8
        #expect((10 + length).isMultiple(of: 64))
        return (String(decoding: npy[10..<10 + length], as: UTF8.self), npy[(10 + length)...])
    }

    private func floats(_ data: ArraySlice<UInt8>) -> [Float] {
        data.withUnsafeBytes { bytes in
            (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
        }
    }

    @Test("npz has the arrays of an episode; lary a file of tokens for each pair and a table of all")
    func formats() throws {
        let program = try trained()
        let arguments = ["predict", "--config", "config.yaml", "--ckpt_path", "last", "--latents", "both"]
        #expect(try program.run(arguments + ["--output", "p"]).status == 0)
        let npz = try program.run(arguments + ["--output", "n", "--format", "npz"])
        #expect(npz.status == 0, "\(npz.error)")
        let table = try ParquetFile(path: program.folder.path("p/\(Self.name)/chunk-000/episode_000001.parquet"))
        let frames = try table.int64s("frame_index")
        let arrays = try entries(program.folder.path("n/\(Self.name)/chunk-000/episode_000001.npz"))
        #expect(
            arrays.keys.sorted() == [
                "episode_index.npy", "frame_index.npy", "latent_action.npy", "latent_embedding.npy",
                "target_frame_index.npy",
            ])
        let vectors = try array(try #require(arrays["latent_embedding.npy"]))
        #expect(
            vectors.header.contains("'descr': '<f4'") && vectors.header.contains("'shape': (\(frames.count), 4, 8, )"))
        let expected = try table.values("latent_embedding").flatMap { Self.numbers($0) }
        #expect(floats(vectors.data) == expected)

        let lary = try program.run(
            ["predict", "--config", "config.yaml", "--ckpt_path", "last", "--output", "l", "--format", "lary"])
        #expect(lary.status == 0, "\(lary.error)")
        let folder = program.folder.path("l/\(Self.name)")
        let rows = try String(contentsOfFile: folder + "/lary.csv", encoding: .utf8).split(separator: "\n").map {
            $0.split(separator: ",").map(String.init)
        }
        #expect(rows[0] == ["la_path", "episode_index", "frame_index", "target_frame_index"])
        let own = rows.filter { $0[1] == "1" }
        #expect(own.map { Int64($0[2]) } == frames)
        let files = program.files().filter { $0.hasPrefix("l/") && $0.hasSuffix(".npz") }
        #expect(files.count == rows.count - 1)
        let tokens = try own.flatMap { row -> [Float] in
            let arrays = try entries("\(folder)/\(row[0])")
            #expect(arrays.keys.sorted() == ["indices.npy", "tokens.npy"])
            let array = try array(try #require(arrays["tokens.npy"]))
            #expect(array.header.contains("'shape': (4, 8, )"))
            return floats(array.data)
        }
        #expect(tokens == expected)

        let merged = try program.run(arguments + ["--output", "m", "--format", "npz", "--merge", "merged"])
        #expect(merged.status == 2 && merged.error.contains("expected parquet or jsonl, got npz"), "\(merged.error)")
        let codes = try program.run(
            ["predict", "--ckpt_path", "checkpoints/last.ckpt", "--format", "lary", "--latents", "codes"])
        #expect(codes.status == 2, "\(codes.error)")
    }

    private static func numbers(_ value: ParquetValue) -> [Float] {
        switch value {
        case .list(let values): values.flatMap(numbers)
        case .float(let number): [number]
        default: []
        }
    }

    @Test("a map is fitted to a dataset's actions, and gives actions to a copy; others' labels are refused")
    func probe() throws {
        let program = try trained()
        let labels = "latents/\(Self.name)"
        #expect(
            try program.run(
                "predict", "--ckpt_path", "checkpoints/last.ckpt", "--latents", "both", "--output", "latents"
            ).status == 0)
        let fit = try program.run("probe", "fit", "--labels", labels, "--dataset", Self.dataset, "-o", "map.json")
        #expect(
            fit.status == 0 && fit.output.contains("of the action on episodes not seen (6 episodes, "), "\(fit.error)")
        let apply = try program.run(
            "probe", "apply", "--labels", labels, "--dataset", Self.dataset, "--map", "map.json", "-o", "copy")
        #expect(apply.status == 0 && apply.output.contains("R2 "), "\(apply.error)")

        let own = try ParquetFile(path: Self.dataset + "/data/chunk-000/episode_000000.parquet")
        let copy = try ParquetFile(path: program.folder.path("copy/data/chunk-000/episode_000000.parquet"))
        let actions = try own.values("action").map(Self.numbers),
            made = try copy.values("pseudo_action").map(Self.numbers)
        let valid = try copy.values("pseudo_action_valid").map { $0 == .bool(true) }
        #expect(made.count == actions.count && made[0].count == actions[0].count)
        #expect(valid == (0..<actions.count).map { $0 < actions.count - 3 }, "a window of four frames")
        for (action, isValid) in zip(made, valid) where !isValid { #expect(action.allSatisfy { $0 == 0 }) }
        // The map is what the file says.
        struct Map: Decodable {
            var matrix: [[Double]]
            var offset: [Double]
            var held_out_r2: [Double?]
        }
        let map = try JSONDecoder().decode(Map.self, from: Data(contentsOf: program.folder.url("map.json")))
        let table = try ParquetFile(path: program.folder.path(labels + "/chunk-000/episode_000000.parquet"))
        let vector = Self.numbers(try table.values("latent_embedding")[5])
        for (place, value) in made[5].enumerated() {
            let expected = zip(vector, map.matrix).reduce(map.offset[place]) { $0 + Double($1.0) * $1.1[place] }
            #expect(abs(Double(value) - expected) < 1e-5 * max(1, abs(expected)))
        }
        #expect(map.held_out_r2.compactMap { $0 }.allSatisfy { $0 <= 1 })

        let again = try program.run(
            "probe", "apply", "--labels", labels, "--dataset", Self.dataset, "--map", "map.json", "-o", "copy")
        #expect(again.status == 2 && again.error.contains("copy"), "\(again.error)")
        #expect(
            try program.run(
                "predict", "--ckpt_path", "checkpoints/epoch=0-step=2.ckpt", "--latents", "vectors", "--output", "other"
            ).status == 0)
        let other = try program.run(
            "probe", "apply", "--labels", "other/\(Self.name)", "--dataset", Self.dataset, "--map", "map.json", "-o",
            "o")
        #expect(other.status == 2 && other.error.contains("weights: expected "), "\(other.error)")
        #expect(!program.exists("o"))
        try Data("{}".utf8).write(to: program.folder.url("bad.json"))
        let bad = try program.run(
            "probe", "apply", "--labels", labels, "--dataset", Self.dataset, "--map", "bad.json", "-o", "o")
        #expect(bad.status == 3 && bad.error.contains("fit it again"), "\(bad.error)")
        let none = try program.run("probe", "fit", "--labels", "nowhere", "--dataset", Self.dataset)
        #expect(none.status == 3 && none.error.contains("lam predict --latents vectors"), "\(none.error)")
    }

    @Test(
        "validate needs no more than a checkpoint; of a mix not trained on all episodes are looked at; a mismatch names the key"
    )
    func checkpointAlone() throws {
        let program = try LamProgram()
        #expect(try program.fit("--data.val_fraction", "0.5", "--trainer.max_steps", "4").status == 0)
        let checkpoint = ["--ckpt_path", "checkpoints/last.ckpt", "--trainer.logger", "false"]
        let own = try program.run(["validate", "--trainer.default_root_dir", "own"] + checkpoint)
        #expect(own.status == 0, "\(own.error)")
        #expect(
            own.error.contains("\(Self.name): 3 of 6 episodes, which data.val_fraction 0.5 holds out"), "\(own.error)")
        let configured = try program.run(
            [
                "validate", "--config", "config.yaml", "--data.val_fraction", "0.5", "--trainer.default_root_dir",
                "configured",
            ] + checkpoint)
        let (a, b) = (
            try Data(contentsOf: program.folder.url("own/metrics.json")),
            try Data(contentsOf: program.folder.url("configured/metrics.json"))
        )
        #expect(configured.status == 0 && a == b)

        let other = try program.run(
            ["validate", "--trainer.default_root_dir", "other", "--data.dataset_mix", "[[quickstart_push_v30, 1.0]]"]
                + ["--data.root", Goldens.repository.appendingPathComponent("datasets").path] + checkpoint)
        #expect(other.status == 0, "\(other.error)")
        #expect(other.error.contains("quickstart_push_v30: all 64 episodes"), "\(other.error)")

        let wrong = try program.run(["validate", "--model.lam_model_dim", "64"] + checkpoint)
        #expect(wrong.status == 1 && wrong.error.contains("model.lam_model_dim"), "\(wrong.error)")
        #expect(wrong.error.contains("32") && wrong.error.split(separator: "\n").count { $0.contains("64") } == 1)
        let missing = try program.run("validate", "--ckpt_path", "checkpoints/none.ckpt")
        #expect(missing.status != 0 && missing.error.contains("none.ckpt"), "\(missing.error)")
    }
}
