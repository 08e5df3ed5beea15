import DataCore
import Formats
import Foundation
import Parquet
import TestSupport
import Text
import Video

/// A kind of file, and how all of it is read.
struct FuzzTarget: Sendable {
    let name: String
    /// Below `Tests/Goldens`.
    let files: [String]
    /// Bytes that mean something to the format.
    let vocabulary: [UInt8]
    /// Bytes at the beginning, and at the end, that hold the structure.
    var head = 1200
    var tail = 900
    let read: @Sendable (_ path: String) throws -> Void

    func hot(_ bytes: [UInt8], _ round: Int) -> Range<Int> {
        round.isMultiple(of: 2) ? 0..<min(head, bytes.count) : max(0, bytes.count - tail)..<bytes.count
    }

    static let all: [FuzzTarget] = [
        FuzzTarget(
            name: "torch",
            files: ["views", "shapes", "nested", "protocol4", "legacy_shared", "zip64", "deflated"].map {
                "wan/pth_format/valid/\($0).pth"
            },
            vocabulary: Array("()tR}u]aebcq0QhjKMJGXPK".utf8) + [1, 2, 5, 6, 7, 0x80, 0x85, 0x8A, 0x93, 0x94]
        ) { _ = try TorchFile(path: $0, verifiesChecksums: false).root },
        FuzzTarget(
            name: "safetensors", files: ["wan/vae/enc_T1_64x64.safetensors"],
            vocabulary: Array("{}[]:,\"\\u0919-.eE nt".utf8)
        ) { for (_, tensor) in try SafeTensors(path: $0).tensors { _ = tensor.floats() } },
        FuzzTarget(
            name: "parquet",
            files: [0, 1].map { "datasets/toto_push_lf_v21/data/chunk-000/episode_00000\($0).parquet" },
            vocabulary: [0x15, 0x16, 0x18, 0x19, 0x1C, 0x00, 0x0C, 0x25, 0x26, 0x3C]
        ) { path in
            let table = try ParquetFile(path: path)
            for name in table.columnNames { _ = try table.values(name) }
        },
        FuzzTarget(
            name: "json", files: ["datasets/toto_push_lf_v21/meta/info.json"],
            vocabulary: Array("{}[]:,\"\\u0919-.eE nt".utf8)
        ) { path in _ = try JSON.parse([UInt8](Data(contentsOf: URL(fileURLWithPath: path))), path: path) },
        FuzzTarget(
            name: "tokenizer", files: ["wan/latents_pth/ckpt_dir/google/umt5-xxl/tokenizer.json"],
            vocabulary: Array("{}[]:,\"\\u0919-.eE nt".utf8)
        ) { _ = try UnigramTokenizer(path: $0).ids(of: "push the block; déjà vu") },
        FuzzTarget(
            name: "spiece", files: ["wan/latents_pth/ckpt_dir/google/umt5-xxl/spiece.model"],
            vocabulary: [0x0A, 0x12, 0x15, 0x18, 0x1A, 0x22, 0x00, 0x80, 0xFF]
        ) { _ = try UnigramTokenizer(sentencePiece: $0).ids(of: "push the block; déjà vu") },
        FuzzTarget(
            name: "video",
            files: ["video/h264_bt709.mp4", "video/hevc_bframes.mp4", "video/h264_edit_list.mp4"],
            vocabulary: Array("moovtrakmdiastblstsdsttsctts".utf8) + [0, 1, 0x7F, 0x80, 0xFF], head: 4000, tail: 4000
        ) { path in
            let index = try VideoIndex(path: path)
            for frame in stride(from: 0, to: min(index.count, 1000), by: 7) { _ = index.seconds(frame) }
        },
    ]
}
