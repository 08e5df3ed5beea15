import Checkpoints
import Configuration
import DataCore
import Datasets
import Formats
import Foundation
import HDF5
import Parquet
import Reports
import TestSupport
import Text
import Video

extension FuzzTarget {
    private static let punctuation = Array("{}[]:,\"\\u0919-.eE nt".utf8)
    private static let pickle =
        Array("()tR}u]aebcq0QhjKMJGXPK".utf8) + [1, 2, 5, 6, 7, 0x80, 0x85, 0x8A, 0x93, 0x94]

    static let all: [FuzzTarget] = weights + tables + pictures + texts

    private static let weights: [FuzzTarget] = [
        FuzzTarget(
            "torch",
            files: [
                "views", "shapes", "nested", "protocol4", "legacy_shared", "legacy", "zip64", "state_dict", "deflated",
            ].map {
                "wan/pth_format/valid/\($0).pth"
            }, vocabulary: pickle
        ) { _ = try TorchFile(path: $0, verifiesChecksums: false).root },
        FuzzTarget(
            "checkpoint", files: ["cli_fp32", "plain_fp16mixed_scaler"].map { "lam/lightning_ckpt/\($0)/last.ckpt" },
            vocabulary: pickle, head: 12000, tail: 9000
        ) { _ = try LightningCheckpoint(contentsOf: $0).progress() },
        FuzzTarget("safetensors", files: ["wan/vae/enc_T1_64x64.safetensors"], vocabulary: punctuation) {
            for (_, tensor) in try SafeTensors(path: $0).tensors { _ = tensor.floats() }
        },
        FuzzTarget(
            "tokenizer", files: ["wan/latents_pth/ckpt_dir/google/umt5-xxl/tokenizer.json"], vocabulary: punctuation
        ) { _ = try UnigramTokenizer(path: $0).ids(of: "push the block; déjà vu") },
        FuzzTarget(
            "spiece", files: ["wan/latents_pth/ckpt_dir/google/umt5-xxl/spiece.model"],
            vocabulary: [0x0A, 0x12, 0x15, 0x18, 0x1A, 0x22, 0x00, 0x80, 0xFF]
        ) { _ = try UnigramTokenizer(sentencePiece: $0).ids(of: "push the block; déjà vu") },
    ]

    private static let tables: [FuzzTarget] = [
        FuzzTarget(
            "parquet",
            files: [0, 1].map { "datasets/toto_push_lf_v21/data/chunk-000/episode_00000\($0).parquet" },
            vocabulary: [0x15, 0x16, 0x18, 0x19, 0x1C, 0x00, 0x0C, 0x25, 0x26, 0x3C]
        ) { path in
            let table = try ParquetFile(path: path)
            for name in table.columnNames { _ = try table.values(name) }
        },
        FuzzTarget(
            "hdf5",
            files: [
                "gzip_shuffle", "compact", "types", "odd_size", "aloha_jpeg_vlen_episode_0", "no_rate", "fletcher32",
            ]
            .map { "hdf5/\($0).hdf5" },
            vocabulary: Array("HDFTREESNODOHDRHEAPGCOLFRHPBTHD".utf8) + [0, 1, 2, 3, 8, 0x10, 0x7F, 0x80, 0xFF],
            head: 9000,
            tail: 4000
        ) { path in
            let dataset = try HDF5Dataset(path: path, name: "damaged", fps: 10)
            _ = try dataset.verifyRows(part: 0, of: 1)
            let readers = SharedReaders()
            for camera in dataset.cameras {
                let frames = try dataset.frames(of: camera, from: readers)
                for episode in 0..<min(dataset.episodeCount, 4) {
                    _ = try frames.frames(episode: episode, frames: [0, dataset.episode(episode).length - 1])
                }
            }
        },
    ]

    private static let pictures: [FuzzTarget] = [
        FuzzTarget(
            "video",
            files: [
                "h264_bt709.mp4", "hevc_bframes.mp4", "h264_edit_list.mp4", "av1_full_range.mp4", "vp9.webm",
                "av1_scene_changes.mkv", "h264.mov", "mpeg4.avi", "mpeg4_bframes.mp4",
            ].map { "video/\($0)" },
            vocabulary: Array("moovtrakmdiastblstsdsttsctts".utf8) + [0, 1, 0x1F, 0x43, 0xA3, 0xB6, 0x7F, 0x80, 0xFF],
            head: 4000, tail: 4000
        ) { path in
            let index = try VideoIndex(path: path, kinds: .all)
            let decoder = try VideoDecoder(index: index)
            let converter = RGBConverter()
            for frame in stride(from: 0, to: min(index.count, 1000), by: 7) {
                _ = index.seconds(frame)
                _ = converter.convert(try decoder.frame(frame))
            }
        },
        FuzzTarget(
            "picture",
            vocabulary: Array("IHDRIDATPLTEtRNSeXIfExifII*".utf8) + [0, 1, 0xC0, 0xC4, 0xDA, 0xDB, 0xE1, 0xFF],
            head: 400, tail: 400,
            originals: {
                // Pictures as cameras' columns hold them: PNG, JPEG and TIFF.
                let kinds = "datasets/image_kinds_v21"
                return try [golden("\(kinds)/images/frame_0.png")]
                    + cells("\(kinds)/data/chunk-000/episode_000000.parquet", "observation.images.jpeg", "jpg")
                    + cells(
                        "lerobot06/depth_image/data/chunk-000/file-000.parquet", "observation.images.top_depth", "tiff")
            }
        ) { path in
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            let converter = RGBConverter()
            _ = try? EncodedImage.decode(bytes, converter: converter)
            _ = PictureHeader(bytes)
            _ = try? PNGImage(png: bytes)
            _ = try EncodedImage.stored(bytes, DepthReader(DepthScale()), converter: converter)
        },
    ]

    private static let texts: [FuzzTarget] = [
        FuzzTarget(
            "json", files: ["info.json", "episodes.jsonl"].map { "datasets/toto_push_lf_v21/meta/\($0)" },
            vocabulary: punctuation
        ) { path in
            let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            for part in path.hasSuffix("jsonl") ? bytes.split(separator: 0x0A) : [bytes[...]] {
                _ = try JSON.parse(Array(part), path: path)
            }
        },
        FuzzTarget(
            "yaml", files: ["lightning_saved_config", "saved"].map { "cases/05-lightning-saved-config/\($0).yaml" },
            vocabulary: Array("{}[]:,\"'-&*<>|!%@#? \n\t~.0123456789e".utf8)
        ) { _ = try FitArguments.parse(arguments: ["--config", $0]) },
        FuzzTarget(
            "metrics", vocabulary: punctuation,
            originals: {
                let lines = (1...12).map { step in
                    #"{"step":\#(step),"time":\#(step).5,"train_loss_step":\#(1.0 / Double(step)),"train/mse_loss_step":0.25,"#
                        + #""train/copy_baseline_step":0.5,"codes/uses":[\#(step),0,3,1]}"#
                }
                return [(Array((lines.joined(separator: "\n") + "\n").utf8), "jsonl")]
            }
        ) { path in
            let folder = path + "-run"
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: path, toPath: "\(folder)/\(RunLog.fileName)")
            _ = try RunReport(path: folder).html()
        },
        FuzzTarget(
            "hub", vocabulary: punctuation + Array("\r\nHTTP/1.206304".utf8), head: 700, tail: 400,
            originals: { [(DamagedHub.answers, "http")] }, read: DamagedHub.read),
    ]

    /// The first pictures of a column.
    private static func cells(_ file: String, _ column: String, _ ending: String) throws -> [Original] {
        try ParquetFile(path: Goldens.url(file).path).values(column, rows: 0..<2).compactMap { cell in
            if case .bytes(let bytes) = cell["bytes"] { (bytes, ending) } else { nil }
        }
    }
}
