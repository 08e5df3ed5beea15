import CFFmpeg
import Foundation
import LAMData
import TestSupport
import Testing

@Suite("A second decoder for AV1")
struct SecondOpinionTests {
    @Test("agrees on whole files, and finds flipped bits that the first one shows as pictures")
    func damage() throws {
        try #require(avcodec_find_decoder_by_name("libaom-av1") != nil)
        let folder = try TemporaryFolder()
        let film = Film(codec: "libaom-av1", width: 160, height: 96, options: ["cpu-used": "8", "lag-in-frames": "8"])
        let path = try film.write(folder.path("v/a.mkv"), frames: 40)
        try VideoDecoder.requireSecondOpinion(path: path)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        var random = SplitMix(state: 3)
        var (shown, found) = (0, 0)
        for kind in 0..<40 {
            var odd = bytes
            odd[Int.random(in: 600..<bytes.count, using: &random)] ^= 1 << UInt8(kind % 8)
            let place = folder.path("\(kind)/a.mkv")
            try FileManager.default.createDirectory(atPath: folder.path("\(kind)"), withIntermediateDirectories: true)
            try odd.write(to: URL(fileURLWithPath: place))
            guard let dataset = try? PlainVideoDataset(path: place, name: "a"),
                let bars = try? numbers(dataset), bars != Array(0..<40)
            else { continue }
            shown += 1
            if (try? VideoDecoder.requireSecondOpinion(path: place)) == nil { found += 1 }
        }
        #expect(shown == 0 || found > 0, "\(found) of \(shown)")
    }

    @Test("has nothing to say of other codecs")
    func others() throws {
        let folder = try TemporaryFolder()
        let path = try Film(bFrames: 2).write(folder.path("a.mp4"), frames: 12)
        try VideoDecoder.requireSecondOpinion(path: path)
    }

    @Test("agrees with every AV1 file of the samples", arguments: ["push_default_v30", "toto_push_lf_v21"])
    func samples(name: String) throws {
        let dataset = try SampleDatasets.open(name)
        for camera in dataset.cameras { try dataset.verifyPictures(of: camera, part: 0, of: 1) }
    }
}
