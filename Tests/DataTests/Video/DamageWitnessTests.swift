import CFFmpeg
import Conversion
import Foundation
import LAMData
import TestSupport
import Testing

@Suite("A second decoder for AV1")
struct DamageWitnessTests {
    /// A byte of the data of a tile, and the bit of it to flip.
    private static let flips: [(place: Int, bit: UInt8)] = [(1925, 0x80), (2533, 0x40)]

    private let folder: TemporaryFolder

    init() throws {
        try #require(avcodec_find_decoder_by_name("libaom-av1") != nil)
        folder = try TemporaryFolder()
    }

    private func dataset(_ name: String, flip: (place: Int, bit: UInt8)? = nil) throws -> PlainVideoDataset {
        var bytes = try Data(contentsOf: Goldens.url("video/av1_scene_changes.mkv"))
        if let flip { bytes[flip.place] ^= flip.bit }
        let path = folder.path("\(name).mkv")
        try bytes.write(to: URL(fileURLWithPath: path))
        return try PlainVideoDataset(path: path, name: name)
    }

    /// The first of these frames, each asked for by itself, that cannot be had.
    private func firstFault(_ dataset: PlainVideoDataset, _ frames: some Sequence<Int>) throws -> (Int, String)? {
        let reader = try dataset.frames(of: dataset.camera(), from: SharedReaders(checksDamage: true))
        for frame in frames {
            do { _ = try reader.frames(episode: 0, frames: [frame]) } catch let error as DataError {
                return (frame, "\(error)")
            }
        }
        return nil
    }

    @Test("finds a flipped bit that the first one shows as a picture, in whatever order frames are asked for")
    func damage() throws {
        for (place, flip) in Self.flips.enumerated() {
            let odd = try dataset("odd\(place)", flip: flip)
            let length = odd.episode(0).length
            let fault = try #require(try firstFault(odd, 0..<length))
            #expect(fault.1.contains("libaom") && fault.1.contains(odd.root), "\(fault)")
            // Damage does not reach the frames before it.
            #expect(try firstFault(odd, 0..<fault.0) == nil)
            #expect(try firstFault(odd, (0..<length).reversed()) != nil)
        }
    }

    @Test("is asked by whoever verifies, labels or converts")
    func users() throws {
        let odd = try dataset("odd", flip: Self.flips[0])
        #expect(throws: DataError.self) { try DatasetVerification(dataset: odd, cameras: odd.cameras) }
        #expect(throws: DataError.self) {
            try DatasetConversion(odd, to: folder.path("out"), ConversionOptions()).run()
        }
        for source in [try StreamSource(odd, weight: 1), try StreamSource(odd, weight: 1).keeping([0])] {
            let reader = try source.checkingDamage.makeFrames()
            #expect(throws: DataError.self) {
                try reader.frames(episode: 0, frames: Array(0..<odd.episode(0).length))
            }
        }
    }

    @Test("agrees on a whole file, in whatever order frames are asked for, and has nothing to say of other codecs")
    func sound() throws {
        let whole = try dataset("whole")
        let length = whole.episode(0).length
        #expect(try firstFault(whole, 0..<length) == nil)
        #expect(try firstFault(whole, (0..<length).reversed()) == nil)
        _ = try DatasetVerification(dataset: whole, cameras: whole.cameras)
        let path = try Film(bFrames: 2).write(folder.path("a.mp4"), frames: 12)
        #expect(try firstFault(PlainVideoDataset(path: path, name: "a"), 0..<12) == nil)
    }

    @Test("agrees with every AV1 file of the samples", arguments: ["push_default_v30", "toto_push_lf_v21"])
    func samples(name: String) throws {
        let dataset = try SampleDatasets.open(name)
        _ = try DatasetVerification(dataset: dataset, cameras: dataset.cameras)
    }
}
