import Formats
import Foundation
import LAMData
import TestSupport
import Testing

@Suite struct VideoDecoderTests {
    static let files = [
        "hevc_bframes.mp4", "hevc_open_gop.mp4", "vp9_odd_size.mp4", "vp9.webm", "h264_variable_rate.mp4",
        "h264_edit_list.mp4", "mpeg4_bframes.mp4", "h264_full_range.mp4", "h264_bt709.mp4", "av1_full_range.mp4",
        "h264_coarse_clock.mp4",
    ]

    struct Expected: Decodable {
        struct Frame: Decodable {
            let seconds: Double
            let sha256_yuv: String
            let sha256_rgb24: String?
        }
        let codec: String
        let width: Int
        let height: Int
        let frames: [Frame]
    }

    static let expected: [String: Expected] = {
        let data = try? Data(contentsOf: Goldens.url("video/expected.json"))
        return data.flatMap { try? JSONDecoder().decode([String: Expected].self, from: $0) } ?? [:]
    }()

    @Test(
        "an index lists codec, size and the presentation time of every frame, whatever the packet order",
        arguments: files)
    func index(file: String) throws {
        let expected = try #require(Self.expected[file])
        let index = try VideoIndex(path: Goldens.url("video/\(file)").path)
        #expect(index.codec == expected.codec)
        #expect(index.width == expected.width)
        #expect(index.height == expected.height)
        #expect(index.damage == nil)
        try #require(index.count == expected.frames.count)
        for (position, frame) in expected.frames.enumerated() {
            #expect(abs(index.seconds(position) - frame.seconds) < 1e-5, "frame \(position)")
        }
    }

    @Test("frames asked for in any order are those of a decode from front to back, bit for bit", arguments: files)
    func randomAccess(file: String) throws {
        let path = Goldens.url("video/\(file)").path
        let expected = try #require(Self.expected[file])
        let sequential = try SequentialVideo(path: path).frames
        try #require(sequential.count == expected.frames.count)
        let decoder = try VideoDecoder(index: VideoIndex(path: path))
        var random = SplitMix(state: 7)
        let order = (0..<4).flatMap { _ in Array(sequential.indices).shuffled(using: &random) } + sequential.indices
        for position in order {
            let frame = try decoder.frame(position)
            let planes = frame.plane(0) + frame.plane(1) + frame.plane(2)
            #expect(planes == sequential[position].planes, "frame \(position)")
            #expect(SHA256.hexadecimal(of: planes) == expected.frames[position].sha256_yuv, "frame \(position)")
        }
    }

    @Test("RGB is that of PyAV bit for bit, colour tags obeyed", arguments: files)
    func colour(file: String) throws {
        let expected = try #require(Self.expected[file])
        let decoder = try VideoDecoder(index: VideoIndex(path: Goldens.url("video/\(file)").path))
        let converter = RGBConverter()
        for (position, recorded) in expected.frames.enumerated() {
            guard let digest = recorded.sha256_rgb24 else { continue }
            let image = try #require(converter.convert(decoder.frame(position)))
            #expect(SHA256.hexadecimal(of: image.pixels) == digest, "frame \(position)")
        }
    }

    @Test("odd sizes repeat chroma samples like even ones, within the tolerance of BT.601 in integers")
    func oddSize() throws {
        let path = Goldens.url("video/vp9_odd_size.mp4").path
        let decoder = try VideoDecoder(index: VideoIndex(path: path))
        let converter = RGBConverter()
        for position in [0, 7, 29] {
            let frame = try decoder.frame(position)
            let image = try #require(converter.convert(frame))
            #expect(image.width == 61)
            #expect(image.height == 35)
            let difference = BT601.difference(image, y: frame.plane(0), u: frame.plane(1), v: frame.plane(2))
            #expect(difference <= BT601.tolerance)
        }
    }

    @Test("a video that changes its size says so, and the frames before the change are still read")
    func changingSize() throws {
        let decoder = try VideoDecoder(index: VideoIndex(path: Goldens.url("video/vp9_changes_size.webm").path))
        #expect(try decoder.frame(5).width == 64)
        #expect {
            try decoder.frame(8)
        } throws: { error in
            guard case DataError.videoChangesFormat(_, _, let from, let to) = error else { return false }
            return from == "64x48 yuv420p" && to == "48x32 yuv420p"
        }
        #expect(try decoder.frame(2).width == 64)
    }

    @Test("a video cut or damaged anywhere gives a typed error or frames, never a crash")
    func corruption() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lam-video-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var random = SplitMix(state: 11)
        for file in Self.files {
            let good = try Array(Data(contentsOf: Goldens.url("video/\(file)")))
            for trial in 0..<24 {
                var bytes = good
                if trial % 2 == 0 {
                    bytes.removeLast(Int.random(in: 1..<good.count, using: &random))
                } else {
                    for _ in 0..<6 {
                        bytes[Int.random(in: 0..<good.count, using: &random)] = .random(in: 0...255, using: &random)
                    }
                }
                let path = folder.appendingPathComponent("\(trial)-\(file)").path
                try Data(bytes).write(to: URL(fileURLWithPath: path))
                do {
                    let decoder = try VideoDecoder(index: VideoIndex(path: path))
                    for position in 0..<min(decoder.index.count, 64) { _ = try? decoder.frame(position) }
                } catch is DataError {}
            }
        }
        #expect(OpenFiles.below(folder.path).isEmpty, "files stay open after an error")
    }
}
