import CFFmpeg
import Foundation
import LAMData
import TestSupport
import Testing

@Suite("A second decoder for AV1")
struct SecondOpinionTests {
    /// A byte of the data of a tile, and the bit of it to flip.
    private static let flips: [(place: Int, bit: UInt8)] = [(1925, 0x80), (2533, 0x40)]

    @Test("agrees on a whole file, and finds a flipped bit that the first one shows as a picture")
    func damage() throws {
        try #require(avcodec_find_decoder_by_name("libaom-av1") != nil)
        let folder = try TemporaryFolder()
        let whole = Goldens.url("video/av1_scene_changes.mkv")
        try VideoDecoder.requireSecondOpinion(path: whole.path)
        let bytes = try Data(contentsOf: whole)
        for (place, bit) in Self.flips {
            var odd = bytes
            odd[place] ^= bit
            let path = folder.path("\(place).mkv")
            try odd.write(to: URL(fileURLWithPath: path))
            let error = try #require(throws: DataError.self) { try VideoDecoder.requireSecondOpinion(path: path) }
            #expect("\(error)".contains("libaom"), "\(error)")
            // Whoever verifies hears of it, whatever the first decoder says.
            let dataset = try PlainVideoDataset(path: path, name: "a")
            #expect(throws: DataError.self) { try dataset.verifyPictures(of: dataset.camera(), part: 0, of: 1) }
        }
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
