import Foundation
import LAMData
import TestSupport
import Testing

@Suite("Depth cameras")
struct DepthTests {
    private static let cameras = [
        ("depth_hevc", "observation.images.top_depth"), ("img_png16", "observation.images.top"),
        ("depth_image", "observation.images.top_depth"), ("depth_video", "observation.images.front_depth"),
    ]

    @Test("are known as such, by what info.json says or by their pictures", arguments: cameras)
    func known(_ name: String, _ key: String) throws {
        let dataset = try CaseDataset.open(name)
        for camera in dataset.cameras { #expect(camera.content.isColor == (camera.key != key), "\(camera.key)") }
    }

    @Test("are never chosen where none is named")
    func defaults() throws {
        #expect(try CaseDataset.open("depth_hevc").camera().key == "observation.images.top")
        #expect(try CaseDataset.open("depth_video").camera().key == "observation.images.front")
        #expect(
            throws: DataError.noColorCamera(dataset: "img_png16", cameras: ["observation.images.top"])
        ) { try CaseDataset.open("img_png16").camera() }
        #expect(
            try CaseDataset.open("img_png16").camera(preferred: "observation.images.top").content.depth?.unit == nil)
    }

    @Test(
        "are recognised in every spelling that writers have used",
        arguments: [
            #""info": {"is_depth_map": true}"#, #""info": {"video.is_depth_map": true}"#,
            #""video_info": {"video.is_depth_map": true}"#, #""video_info": {"is_depth_map": 1}"#,
            #""is_depth_map": true"#, #""video.is_depth_map": "True""#, #""info": {"video.pix_fmt": "gray16le"}"#,
            #""info": {"video.channels": 1}"#,
        ])
    func spellings(_ text: String) throws {
        let folder = try TemporaryFolder()
        let root = try CaseDataset.copy("rotated", to: folder)
        try CaseDataset.edit("\(root)/meta/info.json") {
            $0.replacingOccurrences(of: #""dtype": "video","#, with: #""dtype": "video", \#(text),"#)
        }
        let dataset = try LeRobotDataset(root: root, name: "spelt")
        #expect(!dataset.cameras[0].content.isColor)
        #expect(throws: DataError.self) { try dataset.camera() }
    }

    @Test("that say no are colour cameras", arguments: [#""info": {"video.is_depth_map": false, "video.channels": 3}"#])
    func noDepth(_ text: String) throws {
        let folder = try TemporaryFolder()
        let root = try CaseDataset.copy("rotated", to: folder)
        try CaseDataset.edit("\(root)/meta/info.json") {
            $0.replacingOccurrences(of: #""dtype": "video","#, with: #""dtype": "video", \#(text),"#)
        }
        #expect(try LeRobotDataset(root: root, name: "spelt").cameras[0].content.isColor)
    }

    private struct Expected: Decodable {
        struct Picture: Decodable {
            let episode: Int
            let frame: Int
            let camera: String
            let mean_mm: Double?
        }

        let pictures: [Picture]
    }

    @Test("give LeRobot's own distances", arguments: [("depth_image", 1000.0), ("depth_video", 1)])
    func distances(_ name: String, _ millimetersPerUnit: Double) throws {
        let dataset = try CaseDataset.open(name)
        let data = try Data(contentsOf: Goldens.url("cases/looks/\(name)/expected.json"))
        let pictures = try JSONDecoder().decode(Expected.self, from: data).pictures
        var compared = 0
        for picture in pictures {
            guard let mean = picture.mean_mm else { continue }
            let reader = try FrameReader(dataset: dataset, camera: dataset.camera(preferred: picture.camera))
            let found = try #require(try reader.distances(episode: picture.episode, frames: [picture.frame])[0])
            let average = found.values.reduce(0.0) { $0 + Double($1) } / Double(found.values.count) * millimetersPerUnit
            // The reference keeps three decimals.
            #expect(abs(average - mean) < 0.002, "\(picture): \(average)")
            compared += 1
        }
        #expect(compared > 6)
    }

    @Test("are seen on purpose only, with a range that becomes 0 to 255")
    func range() throws {
        let dataset = try CaseDataset.open("depth_video")
        let camera = try dataset.camera(preferred: "observation.images.front_depth")
        #expect(
            throws: DataError.depthNeedsRange(
                dataset: "depth_video", camera: camera.key, what: "depth in mm, 10 to 10000")
        ) { try FrameReader(dataset: dataset, camera: camera).frames(episode: 1, frames: [3]) }

        let reader = try FrameReader(dataset: dataset, camera: camera, look: CameraLook(depthRange: 500...1500))
        let image = try reader.frames(episode: 1, frames: [3])[0]
        let distances = try #require(try reader.distances(episode: 1, frames: [3])[0])
        #expect(image.width == 128 && image.height == 96)
        for (place, distance) in distances.values.enumerated() {
            let level = min(max((Double(distance) - 500) / 1000 * 255, 0), 255)
            #expect(abs(Double(image.pixels[place * 3]) - level) <= 0.51)
            #expect(Set(image.pixels[place * 3..<place * 3 + 3]).count == 1)
        }
        #expect(image.pixels.contains(0) && image.pixels.contains { $0 > 100 })
    }

    @Test("that info.json takes for colours are refused when they are decoded, not read as black")
    func undeclared() throws {
        let folder = try TemporaryFolder()
        let root = try CaseDataset.copy("depth_hevc", to: folder)
        try CaseDataset.edit("\(root)/meta/info.json") {
            $0.replacingOccurrences(of: "\"is_depth_map\": true", with: "\"is_depth_map\": false")
                .replacingOccurrences(of: "gray12le", with: "yuv420p")
                .replacingOccurrences(of: "\"video.channels\": 1", with: "\"video.channels\": 3")
        }
        let dataset = try LeRobotDataset(root: root, name: "undeclared")
        let camera = try dataset.camera(preferred: "observation.images.top_depth")
        #expect(camera.content.isColor)
        let error = #expect(throws: DataError.self) {
            try FrameReader(dataset: dataset, camera: camera).frames(episode: 0, frames: [0])
        }
        #expect("\(try #require(error))".contains("is_depth_map"))
    }

    @Test("of 8 bits may be looked at as they are, their numbers being grey levels already")
    func eightBits() throws {
        let folder = try TemporaryFolder()
        let root = try CaseDataset.copy("rotated", to: folder)
        try CaseDataset.edit("\(root)/meta/info.json") {
            $0.replacingOccurrences(of: #""dtype": "video","#, with: #""dtype": "video", "is_depth_map": true,"#)
        }
        let dataset = try LeRobotDataset(root: root, name: "painted")
        let painted = try FrameReader(dataset: dataset, camera: dataset.cameras[0]).frames(episode: 0, frames: [2])
        let colour = try CaseDataset.open("rotated")
        #expect(try painted == FrameReader(dataset: colour, camera: colour.camera()).frames(episode: 0, frames: [2]))
    }

    @Test("take part in a stream with data.depth and are refused before it starts without")
    func stream() throws {
        var options = StreamOptions(datasetMix: [.init("depth_image", 1)], root: CaseDataset.path(""))
        options.imageKeys = [.init(pattern: "", key: "observation.images.top_depth")]
        options.window = .fixed(3)
        let error = #expect(throws: DataError.self) { try StreamSource.open(options) }
        #expect("\(try #require(error))".contains("data.depth"))

        options.depth = [.init(minimum: 0.5, maximum: 1.5)]
        let source = try #require(try StreamSource.open(options).first)
        #expect(source.notes.contains { $0.contains("depth in m") && $0.contains("0.5 to 1.5") })
        let image = try source.makeFrames().frames(episode: 0, frames: [6])[0]
        let mean = image.pixels.reduce(0.0) { $0 + Double($1) } / Double(image.pixels.count)
        #expect(mean > 60 && mean < 200)
    }

    @Test("have the narrowest range that names them")
    func rules() throws {
        var options = StreamOptions(datasetMix: [.init("depth_image", 1)], root: CaseDataset.path(""))
        options.imageKeys = [.init(pattern: "depth", key: "observation.images.top_depth")]
        options.depth = [.init(minimum: 0, maximum: 9), .init(pattern: "top_depth", minimum: 0.5, maximum: 1.5)]
        let source = try #require(try StreamSource.open(options).first)
        #expect(source.notes.contains { $0.contains("0.5 to 1.5") })
        options.depth = [.init(minimum: 2, maximum: 1)]
        #expect(throws: StreamError.self) { try options.validate() }
    }

    @Test("a camera is one where any of the spellings says so")
    func severalSpellings() throws {
        let copy = try CaseCopy("cases/looks/depth_hevc")
        try copy.edit(
            "meta/info.json", "\"is_depth_map\": true", "\"is_depth_map\": false, \"video.is_depth_map\": \"True\"")
        let (dataset, original) = (try copy.open(), try CaseCopy.original("cases/looks/depth_hevc"))
        #expect(dataset.cameras.map(\.content.isColor) == original.cameras.map(\.content.isColor))
        #expect(dataset.cameras.contains { !$0.content.isColor })
    }
}
