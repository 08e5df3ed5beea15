import Formats
import Foundation
import LAMData
import TestSupport
import Testing

private func path(_ name: String) -> String { Goldens.url("hdf5/\(name)").path }

private func open(_ name: String, orientation: FrameOrientation? = nil) throws -> HDF5Dataset {
    try HDF5Dataset(path: path(name), name: name, orientation: orientation)
}

/// What h5py reads in the sample files.
private struct Oracle: Decodable {
    struct Array: Decodable {
        struct Frame: Decodable {
            let t: Int
            let key: String
        }

        let sha256: String?
        let frames: [Frame]?
    }

    let datasets: [String: Array]

    static func load() throws -> [String: Oracle] {
        try JSONDecoder().decode([String: Oracle].self, from: Data(contentsOf: Goldens.url("hdf5/hdf5.json")))
    }
}

private func digest(_ dataset: HDF5Dataset, camera: Camera, episode: Int) throws -> String {
    let reader = try HDF5FrameReader(dataset: dataset, camera: camera)
    var hash = SHA256()
    for image in try reader.frames(episode: episode, frames: Array(0..<dataset.episodes[episode].length)) {
        image.pixels.withUnsafeBytes { hash.update($0) }
    }
    return hash.hexadecimal
}

@Suite("HDF5 datasets")
struct HDF5DatasetTests {
    @Test("give every picture as h5py reads it", arguments: ["libero_like_demo", "robomimic_like"])
    func robomimicFrames(_ name: String) throws {
        let oracle = try #require(try Oracle.load()["\(name).hdf5"])
        let dataset = try open("\(name).hdf5", orientation: .asStored)
        for (place, episode) in dataset.episodes.enumerated() {
            for camera in dataset.cameras {
                let object = "\(episode.group)/obs/\(camera.key.dropFirst("observation.images.".count))"
                #expect(try digest(dataset, camera: camera, episode: place) == oracle.datasets[object]?.sha256)
            }
        }
    }

    @Test("give ALOHA's raw pictures as h5py reads them")
    func alohaRawFrames() throws {
        let oracle = try #require(try Oracle.load()["aloha_raw_episode_0.hdf5"])
        let dataset = try open("aloha_raw_episode_0.hdf5")
        #expect(dataset.layout == .aloha && dataset.fps == 50)
        for camera in dataset.cameras {
            let object = "/observations/images/\(camera.key.dropFirst("observation.images.".count))"
            #expect(try digest(dataset, camera: camera, episode: 0) == oracle.datasets[object]?.sha256)
        }
    }

    /// IDCT and upsampling differ between decoders.
    static let jpegTolerance = 3

    @Test("exchange red and blue of ALOHA's JPEG pictures", arguments: ["padded", "vlen"])
    func alohaJPEGFrames(_ kind: String) throws {
        let file = "aloha_jpeg_\(kind)_episode_0.hdf5"
        let oracle = try #require(try Oracle.load()[file])
        let standard = try SafeTensors(path: path("hdf5_jpeg_frames.safetensors"))
        let dataset = try open(file)
        for camera in dataset.cameras {
            let reader = try HDF5FrameReader(dataset: dataset, camera: camera)
            let object = "/observations/images/\(camera.key.dropFirst("observation.images.".count))"
            for frame in try #require(oracle.datasets[object]?.frames) {
                let tensor = try standard.tensor(frame.key)
                let expected = tensor.withUnsafeBytes { Array($0) }
                let image = try reader.frames(episode: 0, frames: [frame.t])[0]
                #expect(tensor.shape == [image.height, image.width, 3])
                var worst = 0
                for i in image.pixels.indices {
                    worst = max(worst, abs(Int(image.pixels[i]) - Int(expected[i / 3 * 3 + 2 - i % 3])))
                }
                #expect(worst <= Self.jpegTolerance, "\(frame.key): \(worst)")
            }
        }
    }

    @Test("read any storage: chunks across all axes, shuffled, with checksums, in the header")
    func storage() throws {
        let url = Goldens.url("hdf5/storage.json")
        let hashes = try JSONDecoder().decode([String: String].self, from: Data(contentsOf: url))
        for (name, hash) in hashes {
            let dataset = try open("\(name).hdf5")
            #expect(try digest(dataset, camera: dataset.cameras[0], episode: 0) == hash, "\(name)")
        }
    }

    @Test("turn LIBERO's pictures upright, or as asked")
    func orientation() throws {
        func first(_ orientation: FrameOrientation?) throws -> RGBImage {
            let dataset = try open("libero_like_demo.hdf5", orientation: orientation)
            return try HDF5FrameReader(dataset: dataset, camera: dataset.cameras[0]).frames(episode: 1, frames: [3])[0]
        }
        let (upright, stored, turned) = (try first(nil), try first(.asStored), try first(.both))
        #expect(try upright == first(.vertical))
        let row = upright.width * 3
        for y in 0..<upright.height {
            let mirrored = stored.height - 1 - y
            #expect(upright.pixels[y * row..<(y + 1) * row] == stored.pixels[mirrored * row..<(mirrored + 1) * row])
        }
        #expect(turned.pixels.prefix(3) == stored.pixels.suffix(3))
        #expect(try open("robomimic_like.hdf5").orientation == .asStored)
    }

    @Test("tell tasks, rates and cameras from the files")
    func facts() throws {
        let libero = try open("libero_like_demo.hdf5")
        #expect(libero.tasks == ["push the block to the ring"] && libero.fps == 20 && libero.totalFrames == 87)
        #expect(
            libero.cameras.map(\.key) == ["observation.images.agentview_rgb", "observation.images.eye_in_hand_rgb"])
        #expect(try libero.camera(preferred: "eye_in_hand_rgb") == libero.cameras[1])
        #expect(throws: DataError.self) { try libero.camera() }
        #expect(throws: DataError.self) { try libero.camera(preferred: "top") }
        #expect(try open("robomimic_like.hdf5").tasks == ["robomimic like"])
        #expect(try HDF5Dataset(path: path("no_rate.hdf5"), name: "x", fps: 12.5).fps == 12.5)
    }

    @Test("order episodes by number, in files and among them")
    func order() throws {
        #expect(try open("order.hdf5").episodes.map(\.group) == ["/data/demo_0", "/data/demo_2", "/data/demo_10"])
        let folder = try TemporaryFolder()
        let task = folder.url("pour_the_milk")
        try FileManager.default.createDirectory(at: task, withIntermediateDirectories: true)
        for number in [10, 9, 1] {
            try FileManager.default.copyItem(
                at: Goldens.url("hdf5/aloha_jpeg_vlen_episode_0.hdf5"),
                to: task.appendingPathComponent("episode_\(number).hdf5"))
        }
        let dataset = try HDF5Dataset(path: folder.root.path, name: "aloha")
        #expect(
            dataset.files.map { URL(fileURLWithPath: $0).lastPathComponent }
                == ["episode_1.hdf5", "episode_9.hdf5", "episode_10.hdf5"])
        #expect(dataset.tasks == ["pour the milk"] && dataset.episodes.map(\.file) == [0, 1, 2])
    }

    @Test("are not put together from files of other cameras or layouts")
    func mixed() throws {
        for (a, b) in [("gzip_shuffle", "aloha_raw_episode_0"), ("gzip_shuffle", "robomimic_like")] {
            let folder = try TemporaryFolder()
            for name in [a, b] {
                try FileManager.default.copyItem(
                    at: Goldens.url("hdf5/\(name).hdf5"), to: folder.url("\(name).hdf5"))
            }
            #expect(throws: DataError.self) { try HDF5Dataset(path: folder.root.path, name: "mixed") }
        }
    }

    @Test("that are broken or hostile are refused with the place and what was expected")
    func broken() throws {
        let url = Goldens.url("hdf5/expected.json")
        for (name, words) in try JSONDecoder().decode([String: [String]].self, from: Data(contentsOf: url)) {
            let error = #expect(throws: DataError.self, "\(name)") { try open("\(name).hdf5") }
            for word in words + ["\(name).hdf5"] { #expect("\(error.map { "\($0)" } ?? "")".contains(word), "\(name)") }
        }
        #expect(throws: DataError.self) { try open("bad_magic.hdf5") }
        #expect(throws: DataError.self) { try open("bad_truncated.hdf5") }
    }

    @Test("whose frames cannot be read say which", arguments: ["frame_hole", "frame_damaged_chunk"])
    func badFrames(_ name: String) throws {
        let dataset = try open("\(name).hdf5")
        let reader = try HDF5FrameReader(dataset: dataset, camera: dataset.cameras[0])
        let error = #expect(throws: DataError.self) { try reader.frames(episode: 0, frames: [4]) }
        #expect("\(error.map { "\($0)" } ?? "")".contains("\(name).hdf5"))
    }

    @Test("without a picture in any row of what might be files are refused on opening")
    func noPictures() {
        let error = #expect(throws: DataError.self) { try open("frame_no_jpeg.hdf5") }
        let text = "\(error.map { "\($0)" } ?? "")"
        #expect(text.contains("frame_no_jpeg.hdf5: /observations/images/cam_high") && text.contains("no PNG or JPEG"))
    }

    /// Bytes with which libhdf5 1.10 leaves its own tables.
    @Test("whose references lead nowhere say so", arguments: [("order", 1934), ("aloha_jpeg_vlen_episode_0", 3719)])
    func damagedReferences(_ name: String, _ byte: Int) throws {
        let folder = try TemporaryFolder()
        var bytes = try Data(contentsOf: Goldens.url("hdf5/\(name).hdf5"))
        bytes[byte] = 127
        try bytes.write(to: folder.url("damaged.hdf5"))
        let error = #expect(throws: DataError.self) {
            let dataset = try HDF5Dataset(path: folder.path("damaged.hdf5"), name: "damaged")
            let frames = Array(0..<dataset.episodes[0].length)
            _ = try HDF5FrameReader(dataset: dataset, camera: dataset.cameras[0]).frames(episode: 0, frames: frames)
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains("not"))
    }

    @Test("cut anywhere end in an error, not in a crash")
    func truncated() throws {
        let folder = try TemporaryFolder()
        let whole = try Data(contentsOf: Goldens.url("hdf5/gzip_shuffle.hdf5"))
        for size in stride(from: 0, to: whole.count, by: 997) {
            let file = folder.path("cut.hdf5")
            try whole.prefix(size).write(to: URL(fileURLWithPath: file))
            #expect(throws: DataError.self) { try HDF5Dataset(path: file, name: "cut") }
        }
    }
}

@Suite("HDF5 in a stream")
struct HDF5StreamTests {
    private func options() -> StreamOptions {
        var options = StreamOptions(
            datasetMix: [.init("libero_like_demo.hdf5", 1), .init("aloha_raw_episode_0.hdf5", 2)],
            root: Goldens.url("hdf5").path)
        options.batchSize = 6
        options.resolution = 32
        options.imageAug = false
        options.window = .fixed(4)
        options.imageKeys = [
            .init(pattern: "libero", key: "agentview_rgb"), .init(pattern: "aloha", key: "observation.images.cam_high"),
        ]
        return options
    }

    @Test("pairs are the same whatever the number of workers, and lie in one episode")
    func pairs() throws {
        var seen: [[UInt8]] = []
        for workers in [1, 3] {
            var options = options()
            options.numWorkers = workers
            let stream = try FramePairStream(options)
            var pixels: [UInt8] = []
            for _ in 0..<5 {
                let batch = try #require(try stream.next())
                pixels += batch.pixels
                for sample in batch.samples { #expect(sample.target == sample.frame + 3) }
            }
            seen.append(pixels)
        }
        #expect(seen[0] == seen[1])
    }

    @Test("actions are those that h5py reads, bit for bit, also of chosen episodes")
    func actions() throws {
        let sources = try StreamSource.open(options())
        let libero = try #require(try Oracle.load()["libero_like_demo.hdf5"])
        let aloha = try #require(try Oracle.load()["aloha_raw_episode_0.hdf5"])
        func digest(_ rows: [[Double]]?) throws -> String {
            var hash = SHA256()
            for row in try #require(rows) { row.withUnsafeBytes { hash.update($0) } }
            return hash.hexadecimal
        }
        #expect(
            try digest(sources[0].actions(1)) == libero.datasets["/data/demo_1/actions"]?.sha256)
        #expect(
            try digest(sources[0].keeping([1]).actions(0))
                == libero.datasets["/data/demo_1/actions"]?.sha256)
        #expect(try digest(sources[1].actions(0)) == aloha.datasets["/action"]?.sha256)
    }

    @Test("data.fps sets the rate of the datasets it names")
    func rates() throws {
        var options = options()
        options.fps = [.init(pattern: "ALOHA", fps: 30)]
        #expect(try StreamSource.open(options).map(\.fps) == [20, 30])
        options.fps = [.init(pattern: "aloha", fps: 0)]
        #expect(throws: StreamError.self) { try options.validate() }
    }

    @Test("bad frames are replaced where that is asked for")
    func badFrames() throws {
        var options = StreamOptions(datasetMix: [.init("frame_hole.hdf5", 1)], root: Goldens.url("hdf5").path)
        options.batchSize = 1
        options.resolution = 8
        options.window = .fixed(2)
        options.onBadSample = .skip
        let stream = try FramePairStream(options)
        // Every pair of this file has a frame that is not there.
        let error = #expect(throws: StreamError.self) { try stream.next() }
        #expect("\(error.map { "\($0)" } ?? "")".contains("too many bad samples"))
    }
}
