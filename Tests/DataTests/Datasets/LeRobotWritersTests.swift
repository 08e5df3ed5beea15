import Foundation
import LAMData
import TestSupport
import Testing

/// Datasets that LeRobot 0.6.1's own writers made (`Tests/Goldens/lerobot06`), against what LeRobot reads from them: counts,
/// cameras, instructions frame by frame, pictures.
@Suite("Datasets of LeRobot 0.6.1")
struct LeRobotWritersTests {
    private struct Expected: Decodable {
        struct Picture: Decodable {
            let episode: Int
            let frame: Int
            let camera: String
            let mean_rgb: [Double]?
            let blocks: [Int]?
            let mean_mm: Double?
        }

        struct Camera: Decodable {
            let kind: String
            let height: Int
            let width: Int
            let depth: Bool
            let depth_unit: String?
            let codec: String?
            let keyframe_every: Int?
        }

        struct Span: Decodable {
            let start: Int
            let end: Int
            let text: String

            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                (start, end, text) = (
                    try list.decode(Int.self), try list.decode(Int.self), try list.decode(String.self)
                )
            }
        }

        let fps: Double
        let episodes: Int
        let frames: Int
        let tasks: [String]
        let episode_lengths: [String: Int]
        let cameras: [String: Camera]
        let task_spans: [String: [Span]]
        let pictures: [Picture]
    }

    static let names = [
        "codec_av1_10bit", "codec_av1_g30", "codec_h264_444", "codec_h264_bframes", "codec_hevc_stream", "deleted",
        "depth_image", "depth_video", "float_fps", "image2video", "language", "merged", "modified", "resumed",
        "split_files", "unusual",
    ]

    private func dataset(_ name: String) throws -> (LeRobotDataset, Expected) {
        let root = Goldens.url("lerobot06/\(name)")
        let expected = try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: root.appendingPathComponent("expected.json")))
        return (try LeRobotDataset(root: root.path, name: name), expected)
    }

    @Test("have the episodes, instructions and cameras that LeRobot reads", arguments: names)
    func facts(name: String) throws {
        let (dataset, expected) = try dataset(name)
        #expect(dataset.fps == expected.fps && dataset.totalFrames == expected.frames)
        #expect(dataset.episodes.count == expected.episodes && dataset.notes.isEmpty, "\(dataset.notes)")
        let lengths = Dictionary(uniqueKeysWithValues: dataset.episodes.map { ("\($0.episodeIndex)", $0.length) })
        #expect(lengths == expected.episode_lengths)
        #expect(Set(dataset.tasks.map(\.text)) == Set(expected.tasks))
        for place in 0..<dataset.episodeCount {
            let episode = dataset.episode(place)
            for span in expected.task_spans["\(episode.index)"] ?? [] {
                for frame in span.start..<span.end { #expect(episode.task(at: frame) == span.text) }
            }
        }
        #expect(Set(dataset.cameras.map(\.key)) == Set(expected.cameras.keys))
        for camera in dataset.cameras {
            let known = try #require(expected.cameras[camera.key])
            #expect(camera.kind.rawValue == known.kind && camera.content.isColor != known.depth)
            if let unit = known.depth_unit { #expect(camera.content.depth?.unit?.rawValue == unit) }
            let report = try dataset.report(on: camera, onBadSample: .fail)
            #expect((report.width, report.height) == (known.width, known.height))
            #expect(
                report.codec == known.codec
                    && report.framesPerKeyframe == known.keyframe_every ?? report.framesPerKeyframe)
        }
    }

    @Test("show in each frame the picture that LeRobot shows there", arguments: names)
    func pictures(name: String) throws {
        let (dataset, expected) = try dataset(name)
        for picture in expected.pictures {
            let camera = try dataset.camera(preferred: picture.camera)
            let place = try #require(dataset.episodes.firstIndex { $0.episodeIndex == picture.episode })
            let what = "\(picture.camera), episode \(picture.episode), frame \(picture.frame)"
            guard let rgb = picture.mean_rgb else {
                try depth(picture, dataset, camera, place, what)
                continue
            }
            let reader = try FrameReader(dataset: dataset, camera: camera)
            let image = try reader.frames(episode: place, frames: [picture.frame])[0]
            #expect(SpelledFramesTests.blocks(image) == picture.blocks, "\(what)")
            for channel in 0..<3 { #expect(abs(mean(image, channel) - rgb[channel]) < 0.6, "\(what)") }
        }
    }

    /// The mean of a depth picture, in millimetres, by way of the grey that a range makes of it.
    private func depth(
        _ picture: Expected.Picture, _ dataset: LeRobotDataset, _ camera: Camera, _ place: Int, _ what: String
    ) throws {
        let millimeters = try #require(picture.mean_mm)
        let isMeters = camera.content.depth?.unit == .meters
        let range: ClosedRange<Double> = isMeters ? 0...2 : 0...2000
        let reader = try dataset.frames(of: camera, look: CameraLook(depthRange: range), from: SharedReaders())
        let image = try reader.frames(episode: place, frames: [picture.frame])[0]
        // A level is 7.8 mm; rounded evenly, the mean is far better than that.
        #expect(abs(mean(image, 0) / 255 * 2000 - millimeters) < 2, "\(what): \(mean(image, 0) / 255 * 2000)")
    }

    private func mean(_ image: RGBImage, _ channel: Int) -> Double {
        let sum = stride(from: channel, to: image.pixels.count, by: 3).reduce(0) { $0 + Int(image.pixels[$1]) }
        return Double(sum) / Double(image.width * image.height)
    }

    @Test("are sound to the last row and frame", arguments: names)
    func verified(name: String) throws {
        let (dataset, _) = try dataset(name)
        let colors = dataset.cameras.filter(\.content.isColor)
        let verification = try DatasetVerification(dataset: dataset, cameras: colors)
        #expect(verification.frames == dataset.totalFrames * colors.count)
        #expect(verification.warnings.allSatisfy { $0.contains("drifted") }, "\(verification.warnings)")
    }

    @Test("give pairs to a training by their first colour camera", arguments: names)
    func pairs(name: String) throws {
        let (dataset, _) = try dataset(name)
        var options = StreamOptions(datasetMix: [.init(dataset.root, 1)])
        (options.batchSize, options.resolution, options.numWorkers) = (4, 16, 1)
        (options.imageAug, options.window) = (false, .fixed(2))
        let camera = try #require(dataset.cameras.first { $0.content.isColor })
        options.imageKeys = [.init(pattern: name, key: camera.key)]
        #expect(try FramePairStream(options).next()?.samples.count == 4)
    }
}
