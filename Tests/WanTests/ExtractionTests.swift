import Formats
import Foundation
import LAMData
import TestSupport
import Testing
import Wan

/// The rules by which frames are chosen and changed.
@Suite struct ExtractionTests {
    @Test("frames of a segment are those of the reference's table")
    func frameRule() throws {
        let table = try JSONValue(contentsOf: Goldens.url("wan/latents_pth/frame_rule_cases.json"))
        func cases(_ name: String) throws -> [JSONValue] {
            guard case .array(let cases)? = table[name] else { throw CocoaError(.fileReadCorruptFile) }
            return cases
        }
        func integer(_ value: JSONValue, _ key: String) throws -> Int { try #require(value[key]?.int) }
        for item in try cases("target_fps") + cases("frame_stride") {
            guard case .array(let wanted)? = item["frame_ids"] else { continue }
            let rule = FrameRule(targetFPS: item["target_fps"]?.int, stride: item["stride"]?.int)
            let frames = rule.frames(
                start: try integer(item, "start"), end: try integer(item, "end"), fps: item["ori_fps"]?.int ?? 20)
            #expect(frames == wanted.map(\.int), "\(item)")
            if let step = item["step"]?.int { #expect(rule.step(fps: try integer(item, "ori_fps")) == step) }
        }
    }

    @Test("rates that do not divide the recording's are warned of")
    func warnings() {
        #expect(FrameRule(targetFPS: 10).warning(fps: 20) == nil)
        #expect(FrameRule(targetFPS: 20).warning(fps: 30)?.contains("repeated") == true)
        #expect(FrameRule(targetFPS: 10).warning(fps: 25)?.contains("not encoded") == true)
        #expect(FrameRule(targetFPS: 30).warning(fps: 20)?.contains("more than") == true)
        #expect(FrameRule(targetFPS: 30, stride: 2).warning(fps: 20) == nil)
    }

    @Test("resized frames are PyTorch's within 1e-6")
    func resize() throws {
        let reference = try SafeTensors(path: Goldens.url("wan/latents_pth/resize.safetensors").path)
        let source = try reference.tensor("src_u8")
        for name in reference.names where name.hasPrefix("bilinear_") {
            let expected = try reference.tensor(name), shape = expected.shape
            let resize = BilinearResize(
                fromHeight: source.shape[1], width: source.shape[2], toHeight: shape[2], width: shape[3])
            for frame in 0..<shape[0] {
                let got = resize(source.rows(frame..<frame + 1).bytes())
                let wanted = expected.rows(frame..<frame + 1).floats(), plane = shape[2] * shape[3]
                var worst: Float = 0
                for pixel in 0..<plane {
                    for channel in 0..<3 {
                        worst = max(worst, abs(got[pixel * 3 + channel] - wanted[channel * plane + pixel]))
                    }
                }
                #expect(worst <= 1e-6, "\(name)")
            }
        }
    }

    @Test("ranks share the videos, and together write what one process writes")
    func ranks() throws {
        let reference = Goldens.url("wan/latents_pth")
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(at: reference.appendingPathComponent("dataset"), to: folder.url("dataset"))
        var options = ExtractionOptions(
            checkpoint: reference.appendingPathComponent("ckpt_dir").path, dataset: folder.path("dataset"))
        options.rankCount = 2
        var written: [Int] = []
        for rank in 0..<2 {
            options.rank = rank
            written.append(try LatentExtractor(options, threads: 1, report: { _ in }).run().written)
        }
        #expect(written.reduce(0, +) == 8 && written.allSatisfy { $0 > 0 })
        options.rank = 0
        options.rankCount = 1
        #expect(try LatentExtractor(options, threads: 1, report: { _ in }).run().skipped == 8)
    }
}
