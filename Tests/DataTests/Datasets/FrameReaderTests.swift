import CPNG
import Formats
import Foundation
import LAMData
import Parquet
import TestSupport
import Testing

@Suite struct FrameReaderTests {
    /// What each frame of a video camera must be: every file decoded from front to back, cut by the running sum of the
    /// episodes' lengths.
    private func sequential(_ dataset: LeRobotDataset, _ camera: Camera) throws -> [[RGBImage]] {
        var files: [String: (frames: [SequentialVideo.Frame], used: Int)] = [:]
        var result: [[RGBImage]] = []
        for episode in dataset.episodes {
            let path = try dataset.videoFile(of: episode, camera: camera)
            var file = try files[path] ?? (SequentialVideo(path: path).frames, 0)
            let slice = file.frames[file.used..<file.used + episode.length]
            file.used += episode.length
            files[path] = file
            result.append(slice.map { RGBImage(width: $0.width, height: $0.height, pixels: $0.rgb) })
        }
        for (path, file) in files { #expect(file.used == file.frames.count, "\(path)") }
        return result
    }

    /// The same for image columns, with libpng.
    private func stored(_ dataset: LeRobotDataset, _ camera: Camera) throws -> [[RGBImage]] {
        try dataset.episodes.map { episode in
            let table = try ParquetFile(path: dataset.dataFile(of: episode))
            return try table.values(camera.key, rows: episode.rows.first.rows).map { value in
                guard case .bytes(let bytes) = value["bytes"] else { throw CocoaError(.fileReadCorruptFile) }
                var image = png_image()
                image.version = UInt32(PNG_IMAGE_VERSION)
                png_image_begin_read_from_memory(&image, bytes, bytes.count)
                image.format = UInt32(PNG_FORMAT_FLAG_COLOR)
                var pixels = [UInt8](repeating: 0, count: Int(image.width * image.height) * 3)
                png_image_finish_read(&image, nil, &pixels, 0, nil)
                return RGBImage(width: Int(image.width), height: Int(image.height), pixels: pixels)
            }
        }
    }

    @Test(
        "every frame of every camera, asked for in random order, is that of a front to back decode",
        arguments: SampleDatasets.names)
    func everyFrame(name: String) throws {
        let dataset = try SampleDatasets.open(name)
        for camera in dataset.cameras {
            let expected = camera.kind == .video ? try sequential(dataset, camera) : try stored(dataset, camera)
            let reader = try FrameReader(dataset: dataset, camera: camera, pool: ReaderPool(maximumOpenFiles: 2))
            var random = SplitMix(state: 42)
            var compared = 0
            let order = expected.indices.flatMap { episode in expected[episode].indices.map { (episode, $0) } }
                .shuffled(using: &random)
            for (episode, frame) in order {
                let image = try reader.frames(episode: episode, frames: [frame])[0]
                guard image == expected[episode][frame] else {
                    Issue.record("\(camera.key): episode \(episode), frame \(frame) differs")
                    continue
                }
                compared += 1
            }
            #expect(compared == dataset.totalFrames)
            print("\(name) \(camera.key): \(compared) frames compared, all equal")
        }
    }

    @Test("frames come in the order asked for, repeats and going back included")
    func order() throws {
        let dataset = try SampleDatasets.open("ego4d_push_v30")
        let reader = try FrameReader(dataset: dataset, camera: dataset.camera())
        let images = try reader.frames(episode: 2, frames: [30, 3, 30, 4, 0])
        for (image, frame) in zip(images, [30, 3, 30, 4, 0]) {
            #expect(try reader.frames(episode: 2, frames: [frame])[0] == image)
        }
        #expect(images[0] == images[2])
        #expect(images[0] != images[1])
        #expect(try reader.frames(episode: 0, frames: []).isEmpty)
    }

    @Test("a clock as coarse as the frames does not let the last frame stand for those after it")
    func coarseClock() throws {
        let copy = try DatasetCopy(of: "toto_push_lf_v21")
        let video = "\(copy.root)/videos/chunk-000/observation.images.image/episode_000000.mp4"
        try FileManager.default.removeItem(atPath: video)
        try FileManager.default.copyItem(atPath: Goldens.url("video/h264_coarse_clock.mp4").path, toPath: video)
        let dataset = try LeRobotDataset(root: copy.root, name: "coarse")
        let reader = try FrameReader(dataset: dataset, camera: dataset.camera())
        #expect(try reader.frames(episode: 0, frames: Array(0..<12)).count == 12)
        #expect(throws: DataError.self) { try reader.frames(episode: 0, frames: [12]) }
    }

    @Test("readers on several threads share one cache of indexes, and a small cache changes nothing")
    func threads() async throws {
        let dataset = try SampleDatasets.open("droid_push_hf_v21")
        let camera = try dataset.camera()
        let expected = try sequential(dataset, camera)
        let indexes = VideoIndexCache(maximumFrames: 200)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for seed in 0..<4 {
                group.addTask {
                    let reader = try FrameReader(
                        dataset: dataset, camera: camera, indexes: indexes, pool: ReaderPool(maximumOpenFiles: 1))
                    var random = SplitMix(state: UInt64(seed))
                    for _ in 0..<60 {
                        let episode = Int.random(in: 0..<dataset.episodes.count, using: &random)
                        let frame = Int.random(in: 0..<dataset.episodes[episode].length, using: &random)
                        guard try reader.frames(episode: episode, frames: [frame])[0] == expected[episode][frame] else {
                            return false
                        }
                    }
                    return true
                }
            }
            for try await isEqual in group { #expect(isEqual) }
        }
    }

    @Test("open files stay within the bound")
    func openFiles() throws {
        let dataset = try SampleDatasets.open("toto_push_lf_v21")
        let reader = try FrameReader(dataset: dataset, camera: dataset.camera(), pool: ReaderPool(maximumOpenFiles: 2))
        for _ in 0..<40 {
            for episode in dataset.episodes.indices { _ = try reader.frames(episode: episode, frames: [1]) }
        }
        let open = OpenFiles.below(dataset.root).filter { $0.hasSuffix(".mp4") }
        // Other tests of this process may hold files of the same set.
        #expect(open.count <= 8)
    }
}

/// The recorded frames of `Tests/Goldens/data/decode`, decoded by PyAV.
@Suite struct DecodeGoldenTests {
    struct Recorded: Decodable {
        struct Frame: Decodable {
            let dataset: String
            let camera: String
            let episode: Int
            let frame: Int
            let frame_in_file: Int
            let pts_seconds: Double
            let sha256_pyav_rgb24: String
            let sha256_y_plane: String
            let sha256_u_plane: String
            let sha256_v_plane: String
        }
        let frames: [Frame]
    }

    @Test("planes are those of the reference decoders bit for bit, and so is RGB")
    func recordedFrames() throws {
        let data = try Data(contentsOf: Goldens.url("data/decode/decode.json"))
        let frames = try JSONDecoder().decode(Recorded.self, from: data).frames
        var planes = 0
        var exact = 0
        for (name, group) in Dictionary(grouping: frames, by: \.dataset).sorted(by: { $0.key < $1.key }) {
            let dataset = try SampleDatasets.open(name)
            // Of the real set only the first episode is in the repository.
            for recorded in group where recorded.episode < dataset.episodes.count {
                let place: Comment = "\(name) \(recorded.camera) \(recorded.episode) \(recorded.frame)"
                let camera = try dataset.camera(preferred: recorded.camera)
                let image = try FrameReader(dataset: dataset, camera: camera)
                    .frames(episode: recorded.episode, frames: [recorded.frame])[0]
                let episode = dataset.episodes[recorded.episode]
                let index = try VideoIndex(path: dataset.videoFile(of: episode, camera: camera))
                let position = try VideoTimeline(dataset: dataset, episode: episode, camera: camera, index: index)
                    .position(of: recorded.frame)
                #expect(position == recorded.frame_in_file, place)
                #expect(abs(index.seconds(position) - recorded.pts_seconds) < 1e-6, place)
                let frame = try VideoDecoder(index: index).frame(position)
                let digests = (0..<3).map { SHA256.hexadecimal(of: frame.plane($0)) }
                #expect(digests == [recorded.sha256_y_plane, recorded.sha256_u_plane, recorded.sha256_v_plane], place)
                let difference = BT601.difference(image, y: frame.plane(0), u: frame.plane(1), v: frame.plane(2))
                #expect(difference <= BT601.tolerance, place)
                planes += 1
                if SHA256.hexadecimal(of: image.pixels) == recorded.sha256_pyav_rgb24 { exact += 1 }
            }
        }
        print("\(planes) recorded frames: planes equal; RGB equal bit for bit in \(exact)")
        #expect(planes >= 82)
        #expect(exact == planes)
    }
}
