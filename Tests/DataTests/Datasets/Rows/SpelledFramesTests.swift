import Foundation
import LAMData
import TestSupport
import Testing

/// Datasets of LeRobot 0.6.1 whose pictures spell their source's episode and frame, so that a wrong frame needs no reference.
@Suite struct SpelledFramesTests {
    private struct Expected: Decodable {
        struct Picture: Decodable {
            let episode: Int
            let frame: Int
            let camera: String
            let mean_rgb: [Double]
            let blocks: [Int]
        }

        let episode_lengths: [String: Int]
        let pictures: [Picture]
    }

    /// Twelve blocks in the top row: four bits of the episode, eight of the frame, the least first.
    static func blocks(_ image: RGBImage) -> [Int] {
        let side = image.width / 12
        let bits = (0..<12).map { block in
            let center = 3 * ((side / 4) * image.width + block * side + side / 2)
            return image.pixels[center..<center + 3].reduce(0) { $0 + Int($1) } > 3 * 128 ? 1 : 0
        }
        func number(_ bits: ArraySlice<Int>) -> Int { bits.reversed().reduce(0) { $0 << 1 | $1 } }
        return [number(bits[0..<4]), number(bits[4..<12])]
    }

    @Test(
        "frames are those that they spell, and as bright as LeRobot decodes them",
        arguments: ["many_tasks", "image2video_subset"])
    func pictures(name: String) throws {
        let dataset = try CaseCopy.original("cases/\(name)")
        let data = try Data(contentsOf: Goldens.url("cases/\(name)/expected.json"))
        let expected = try JSONDecoder().decode(Expected.self, from: data)
        let lengths = Dictionary(uniqueKeysWithValues: dataset.episodes.map { ("\($0.episodeIndex)", $0.length) })
        #expect(lengths == expected.episode_lengths)
        for picture in expected.pictures {
            let reader = try FrameReader(dataset: dataset, camera: dataset.camera(preferred: picture.camera))
            let place = try #require(dataset.episodes.firstIndex { $0.episodeIndex == picture.episode })
            let image = try reader.frames(episode: place, frames: [picture.frame])[0]
            #expect(Self.blocks(image) == picture.blocks, "\(picture.episode), \(picture.frame), \(picture.camera)")
            for channel in 0..<3 {
                let sum = stride(from: channel, to: image.pixels.count, by: 3).reduce(0) { $0 + Int(image.pixels[$1]) }
                let mean = Double(sum) / Double(image.width * image.height)
                // Its means are of 8-bit levels, rounded to three digits.
                #expect(abs(mean - picture.mean_rgb[channel]) < 0.5)
            }
        }
    }

    @Test("some of a dataset's episodes, whose index counts all of them, are sound and open without tasks in meta")
    func subset() throws {
        let dataset = try CaseCopy.original("cases/image2video_subset")
        #expect(dataset.episodes.map(\.episodeIndex) == [1, 3])
        #expect(dataset.episodes.map(\.tasks) == [["pull"], ["pull"]] && dataset.notes.isEmpty)
        let verification = try DatasetVerification(dataset: dataset, cameras: dataset.cameras)
        #expect(verification.frames == 88 && verification.warnings.count == 1)
    }
}
