import Foundation
import Conversion
import LAMData
import TestSupport
import Testing

/// Files of other laboratories than LIBERO's, robomimic's and ALOHA's, and files with odd members.
@Suite("HDF5 layouts")
struct HDF5LayoutTests {
    private func open(
        _ name: String, fps: Double? = nil, filter: String? = nil, order: ChannelOrder? = nil
    ) throws -> HDF5Dataset {
        try HDF5Dataset(path: CaseDataset.path(name), name: name, fps: fps, channelOrder: order, filter: filter)
    }

    private func frames(_ dataset: HDF5Dataset, episode: Int = 0, camera: String? = nil) throws -> [RGBImage] {
        let reader = try HDF5FrameReader(dataset: dataset, camera: dataset.camera(preferred: camera))
        return try reader.frames(episode: episode, frames: Array(0..<dataset.episodes[episode].length))
    }

    private func pixel(_ image: RGBImage, _ x: Int, _ y: Int) -> [Int] {
        let place = (y * image.width + x) * 3
        return image.pixels[place..<place + 3].map(Int.init)
    }

    /// JPEG of flat areas is a few levels off.
    private static let tolerance = 4

    /// Whether the lower left quarter is green and the lower right one red, as in every made picture.
    private func isTrueToColour(_ image: RGBImage) -> Bool {
        let (left, right) = (pixel(image, 3, image.height - 4), pixel(image, image.width - 4, image.height - 4))
        return zip(left + right, [20, 160, 60, 200, 60, 40]).allSatisfy { abs($0 - $1) <= Self.tolerance }
    }

    // MARK: Odd members

    @Test("Isaac Lab's groups among the arrays are left out and listed")
    func groups() throws {
        let dataset = try open("isaac_mimic.hdf5", fps: 30)
        #expect(dataset.cameras.map(\.key) == ["observation.images.table_cam"] && dataset.totalFrames == 16)
        #expect(dataset.leftOut.contains("/data/demo_0/obs/datagen_info: a group"))
        #expect(try frames(dataset).count == 8)
    }

    @Test("demonstrations without frames are left out, with a note; pictures in groups are cameras")
    func emptyDemonstrations() throws {
        let dataset = try open("isaac_empty_demo.hdf5", fps: 30)
        #expect(dataset.episodes.map(\.group) == ["/data/demo_1", "/data/demo_3"])
        #expect(dataset.notes.contains { $0.contains("2 episodes have no frames") && $0.contains("/data/demo_0") })
        #expect(
            dataset.cameras.map(\.key) == ["observation.images.rgb_camera.wrist_cam", "observation.images.table_cam"])
        #expect(dataset.leftOut.contains { $0.contains("table_depth: float32 [6, 32, 32, 1]") })
        #expect(try isTrueToColour(frames(dataset, episode: 1, camera: "rgb_camera.wrist_cam")[2]))
    }

    @Test("arrays among ALOHA's cameras that are no pictures are left out and listed")
    func noPictures() throws {
        let depth = try open("a_depth")
        #expect(depth.cameras.map(\.key) == ["observation.images.cam_high"])
        #expect(depth.leftOut.contains("/observations/images/cam_high_depth: uint16 [8, 64, 64]"))
        #expect(try frames(depth).count == 8)
        let others = try open("a_opaque")
        #expect(others.cameras.map(\.key) == ["observation.images.cam_high"])
        #expect(others.leftOut.contains { $0.contains("cam_gray: uint8 [6, 32, 32, 1]") })
        #expect(others.leftOut.contains { $0.contains("tactile: uint8 [6, 64], no PNG or JPEG") })
    }

    private func openGolden(_ name: String, order: ChannelOrder? = nil) throws -> HDF5Dataset {
        try HDF5Dataset(path: Goldens.url("hdf5/\(name)").path, name: name, channelOrder: order)
    }

    @Test("members that are no arrays over time, and arrays of some episodes only, are left out and listed")
    func oddMembers() throws {
        let dataset = try openGolden("odd_members.hdf5")
        #expect(dataset.cameras.map(\.key) == ["observation.images.agentview_rgb"] && dataset.episodes.count == 3)
        for (member, words) in [
            ("demo_0/obs/empty", "an array without values"), ("demo_0/obs/scalar", "a single value"),
            ("demo_0/note", "a single value"), ("demo_0/obs/nowhere", "a link that leads nowhere"),
            ("demo_0/obs/elsewhere_rgb", "an external link"), ("demo_0/obs/packed_rgb", "filter 32000"),
            ("demo_0/obs", "1 members whose names are not in UTF-8"), ("demo_3", "an external link"),
            ("demo_4", "a link that leads nowhere"),
        ] {
            #expect(
                dataset.leftOut.contains { $0.hasPrefix("/data/\(member): \(words)") }, "\(member): \(dataset.leftOut)")
        }
        for member in ["/obs/wrist_rgb", "/obs/force", "/once"] {
            #expect(dataset.leftOut.contains { $0.hasPrefix("\(member): not in every episode") }, "\(member)")
        }
        #expect(dataset.notes.contains { $0.contains("1 episodes have no frames") && $0.contains("demo_5") })
        #expect(try frames(dataset, episode: 2).count == 5)
        let folder = try TemporaryFolder()
        _ = try DatasetConversion(dataset, to: folder.path("out"), ConversionOptions()).run()
        let copy = try LeRobotDataset(root: folder.path("out"), name: "out")
        #expect(copy.episodes.count == 3 && copy.info.feature("observation.joints") != nil)
        #expect(copy.info.feature("observation.force") == nil && copy.info.feature("once") == nil)
        // Asked for by name, what was left out says why.
        let error = #expect(throws: DataError.self) { try dataset.camera(preferred: "packed_rgb") }
        #expect("\(try #require(error))".contains("filter 32000"))
    }

    @Test("episodes with pictures of several sizes do not become one dataset")
    func sizes() throws {
        let folder = try TemporaryFolder()
        for format in [DatasetInfo.Version.v21, .v30] {
            var options = ConversionOptions()
            options.format = format
            let conversion = try DatasetConversion(openGolden("odd_sizes"), to: folder.path("out"), options)
            let error = #expect(throws: ConversionError.self) { try conversion.run() }
            let text = "\(try #require(error))"
            #expect(
                text.contains("cam_high: expected pictures of 12x8") && text.contains("got 8x12 in episode 1"),
                "\(text)")
            try FileManager.default.removeItem(at: folder.url("out.partial"))
        }
    }

    @Test("cameras and columns that only some files have are left out")
    func oddFiles() throws {
        let dataset = try openGolden("odd_aloha")
        #expect(dataset.cameras.map(\.key) == ["observation.images.cam_high"] && dataset.episodes.count == 2)
        for member in [
            "/observations/images/cam_gone: a link", "/observations/images/cam_empty: an array without values",
            "/observations/images: 1 members whose names", "/observations/rate: a single value",
            "/rate: an array without",
            "/observations/images/cam_low: not in every file", "/observations/effort: not in every file",
        ] { #expect(dataset.leftOut.contains { $0.hasPrefix(member) }, "\(member): \(dataset.leftOut)") }
        let folder = try TemporaryFolder()
        _ = try DatasetConversion(dataset, to: folder.path("out"), ConversionOptions()).run()
        #expect(try LeRobotDataset(root: folder.path("out"), name: "out").cameras.count == 1)
    }

    // MARK: Encoded pictures

    @Test(
        "JPEG as strings of fixed length, or as opaque values, is read like padded bytes",
        arguments: ["aloha_S", "a_opaque"])
    func fixedBytes(_ name: String) throws {
        let dataset = try open(name)
        #expect(try isTrueToColour(frames(dataset)[2]), "\(name)")
        #expect(try !isTrueToColour(frames(open(name, order: .rgb))[2]))
    }

    @Test(
        "raw pictures among JPEG are taken as such, in the same colours",
        arguments: ["robomind_mixed", "robomind_mixed_padded"])
    func mixed(_ name: String) throws {
        let images = try frames(open(name))
        #expect(images.count == 6)
        for (number, image) in images.enumerated() {
            #expect(isTrueToColour(image), "frame \(number)")
            #expect(pixel(image, 3, 3).allSatisfy { abs($0 - number * 30) <= Self.tolerance })
        }
    }

    // MARK: Layouts

    @Test("RoboMIND's folders are read: pictures, joints, the instruction")
    func roboMIND() throws {
        let dataset = try open("robomind_own")
        #expect(dataset.layout == .roboMIND && dataset.fps == 30 && dataset.tasks == ["pick up the block"])
        #expect(dataset.cameras.map(\.key) == ["observation.images.camera_top"] && dataset.episodes.count == 1)
        #expect(dataset.leftOut.contains("/observations/depth_images: a group"))
        #expect(dataset.notes.contains { $0.contains("RoboMIND's, 30 frames/s") })
        #expect(try isTrueToColour(frames(dataset)[3]))
        // Franka's and UR's files hold pictures whose red is red.
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(
            atPath: CaseDataset.path("robomind_own"), toPath: folder.path("h5_franka_1rgb"))
        let franka = try HDF5Dataset(path: folder.path("h5_franka_1rgb"), name: "franka")
        #expect(try !isTrueToColour(frames(franka)[3]))
    }

    @Test("RoboTwin's files are read, with instructions beside them; pictures that are marked RGB are")
    func roboTwin() throws {
        let dataset = try open("robotwin")
        #expect(dataset.layout == .roboTwin && abs(dataset.fps - 250.0 / 15) < 1e-9)
        #expect(dataset.tasks == ["Grab the hammer and beat the block."] && dataset.episodes.count == 2)
        #expect(dataset.leftOut.contains { $0.contains("/observation/head_camera/depth") })
        for episode in 0..<2 { #expect(try isTrueToColour(frames(dataset, episode: episode)[1]), "\(episode)") }
        // Said in so many words, a mark counts for nothing.
        #expect(try !isTrueToColour(frames(open("robotwin", order: .bgr), episode: 1)[1]))
        let single = try open("robotwin_episode0.hdf5")
        #expect(
            single.cameras.map(\.key) == ["observation.images.head_camera", "observation.images.left_camera"])
    }

    @Test("become LeRobot datasets", arguments: ["robotwin", "robomind_own", "aloha_S", "a_depth"])
    func conversion(_ name: String) throws {
        let folder = try TemporaryFolder()
        let source = try open(name)
        _ = try DatasetConversion(source, to: folder.path("out"), ConversionOptions()).run()
        let copy = try LeRobotDataset(root: folder.path("out"), name: "out")
        #expect(copy.totalFrames == source.totalFrames && copy.cameras.map(\.key) == source.cameras.map(\.key))
        #expect(copy.info.feature("action") != nil && copy.tasks.map(\.text) == source.tasks)
    }

    // MARK: Lists of episodes

    @Test("lists in /mask choose episodes")
    func masks() throws {
        #expect(try open("masked.hdf5").episodes.count == 4)
        #expect(try open("masked.hdf5").notes.contains { $0.contains("train (3), valid (1)") })
        #expect(
            try open("masked.hdf5", filter: "train").episodes.map(\.group) == [
                "/data/demo_0", "/data/demo_1", "/data/demo_3",
            ])
        #expect(try open("masked.hdf5", filter: "valid").episodes.map(\.group) == ["/data/demo_2"])
        for (filter, words) in [("test", "bad, train, valid"), ("bad", "demo_9")] {
            let error = #expect(throws: DataError.self) { try open("masked.hdf5", filter: filter) }
            #expect("\(try #require(error))".contains(words))
        }
        #expect(throws: DataError.self) { try open("aloha_S", filter: "train") }
    }

    @Test("the option filter_key reaches the files, and the features of another list are other ones")
    func filterKey() throws {
        var options = StreamOptions(datasetMix: [.init("masked.hdf5", 1)], root: CaseDataset.path(""))
        options.filterKeys = [.init(pattern: "mask", key: "valid")]
        let source = try #require(try StreamSource.open(options).first)
        #expect(source.episodes.count == 1)
        let first = try source.makeFrames().frames(episode: 0, frames: [0])[0]
        #expect(pixel(first, 10, 2)[0] == 60)
    }

    @Test("texts that are not UTF-8 are an error that names file and attribute")
    func latin1() throws {
        let error = #expect(throws: DataError.self) { try open("latin1_demo.hdf5") }
        let text = "\(try #require(error))"
        #expect(text.contains("latin1_demo.hdf5") && text.contains("problem_info") && text.contains("UTF-8"))
    }
}
