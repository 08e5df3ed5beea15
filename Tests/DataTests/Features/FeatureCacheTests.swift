import Foundation
import Formats
import LAMData
import TestSupport
import Testing

@Suite struct FeatureCacheTests {
    private let fixture: FeatureCacheFixture
    private let frames = FeatureCacheFixture.frames(of: FeatureCacheFixture.source())

    init() throws {
        fixture = try FeatureCacheFixture()
    }

    // MARK: Keeping

    @Test("stored features come back bit for bit, at once and after the cache was closed")
    func roundTrip() throws {
        let stored = frames.filter { $0.frame != 1 }
        func check(_ cache: FeatureCache) {
            for frame in frames {
                #expect(cache.features(of: frame) == (frame.frame == 1 ? nil : fixture.features(of: frame)))
            }
        }
        do {
            let cache = try fixture.open()
            #expect(frames.allSatisfy { cache.features(of: $0) == nil } && cache.notes.isEmpty)
            for frame in stored.reversed() { #expect(cache.store(fixture.features(of: frame), of: frame)) }
            check(cache)
        }
        for _ in 0..<2 {
            let cache = try fixture.open()
            #expect(cache.notes.isEmpty && !cache.isFull)
            check(cache)
        }
    }

    @Test("bits that are no ordinary numbers come back, too")
    func oddBits() throws {
        let odd: [Float] = [.nan, .infinity, -.infinity, -0.0, 0, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
        let features = (odd + Array(repeating: 0, count: 8)).withUnsafeBufferPointer { FrameFeatures(rounding: $0) }
        #expect(try fixture.open().store(features, of: frames[3]))
        #expect(try fixture.open().features(of: frames[3]) == features)
        let zeros = [Float](repeating: 0, count: 15).withUnsafeBufferPointer { FrameFeatures(rounding: $0) }
        #expect(try fixture.open().store(zeros, of: frames[4]))
        #expect(try fixture.open().features(of: frames[4]) == zeros)
    }

    @Test("features that are stored again replace the old ones")
    func overwriting() throws {
        let cache = try fixture.open()
        for version in 0..<3 { cache.store(fixture.features(of: frames[2], version: version), of: frames[2]) }
        #expect(cache.features(of: frames[2]) == fixture.features(of: frames[2], version: 2))
        #expect(cache.features(of: frames[1]) == nil && cache.features(of: frames[3]) == nil)
    }

    @Test("features of every size come back", arguments: [(1, 1), (1, 2044), (1, 2045), (16, 128), (256, 768)])
    func sizes(_ patches: Int, _ width: Int) throws {
        var fixture = fixture
        (fixture.patches, fixture.width) = (patches, width)
        try fixture.fill()
        let cache = try fixture.open()
        #expect(frames.allSatisfy { cache.features(of: $0) == fixture.features(of: $0) })
    }

    @Test("an unwritten frame takes no room on the disk")
    func sparse() throws {
        let long = FeatureCacheFixture.source(lengths: [100_000])
        let cache = try fixture.open([long])
        let last = FrameReference(dataset: 0, episode: 0, frame: 99_999)
        #expect(cache.store(fixture.features(of: last), of: last))
        #expect(cache.features(of: last) == fixture.features(of: last))
        // The key, the record, and what the file system needs to find it.
        #expect(try fixture.bytesOnDisk() <= 8 * fixture.stride)
    }

    @Test("the datasets of a mix keep their frames apart")
    func mix() throws {
        let sources = ["toto_a", "ego4d_b"].map { FeatureCacheFixture.source($0) }
        #expect(try fixture.fill(sources).count == 2 * frames.count)
        #expect(try fixture.names().map { $0.dropLast(17) } == ["ego4d_b", "toto_a"])
        // In another order and beside another dataset they are the same datasets still.
        let cache = try fixture.open([FeatureCacheFixture.source("new"), sources[1], sources[0]])
        #expect(cache.notes.isEmpty)
        for frame in frames {
            for (place, dataset) in [(1, 1), (2, 0)] {
                var here = frame
                var there = frame
                (here.dataset, there.dataset) = (place, dataset)
                #expect(cache.features(of: here) == fixture.features(of: there))
            }
            #expect(cache.features(of: frame) == nil)
        }
    }

    @Test("a dataset that is in the mix twice has one folder, and one line for the user")
    func twice() throws {
        let pair = [FeatureCacheFixture.source(), FeatureCacheFixture.source()]
        do {
            let cache = try fixture.open(pair)
            for frame in frames where frame.frame > 0 { cache.store(fixture.features(of: frame), of: frame) }
            for frame in frames {
                let other = FrameReference(dataset: 1, episode: frame.episode, frame: frame.frame)
                #expect(cache.features(of: other) == cache.features(of: frame))
            }
        }
        #expect(try fixture.names().count == 1)
        #expect(try fixture.open(pair, encoder: "encoder 2").notes.count == 1)
    }

    // MARK: Keys

    /// Whether a cache that is opened like this has the features of `fill()`, and its notes.
    private func opened(
        _ source: StreamSource = FeatureCacheFixture.source(), encoder: String = "encoder 1",
        _ change: (inout StreamOptions) -> Void = { _ in }
    ) throws -> (hits: Int, notes: [String]) {
        let cache = try fixture.open([source], encoder: encoder, options: FeatureCacheFixture.options(change))
        let frames = FeatureCacheFixture.frames(of: source)
        return (frames.count { cache.features(of: $0) != nil }, cache.notes)
    }

    @Test("another encoder, resolution, crop or shape has no features, and a note says what differs")
    func keys() throws {
        try fixture.fill()
        let folder = try fixture.onlyFolder()
        func expect(_ result: (hits: Int, notes: [String]), differsIn facts: String) throws {
            #expect(result.hits == 0 && result.notes.count == 1)
            let note = try #require(result.notes.first)
            #expect(note.contains("droid_a") && note.contains(folder) && note.hasSuffix("differ in \(facts)"))
            // The later ones are to be compared with the first one.
            for name in try fixture.names() where !folder.hasSuffix(name) {
                try FileManager.default.removeItem(atPath: "\(fixture.root)/\(name)")
            }
        }
        try expect(opened(encoder: "encoder 2"), differsIn: "encoder")
        try expect(opened { $0.resolution = 16 }, differsIn: "data.resolution")
        try expect(opened { $0.crop = .original }, differsIn: "data.crop")
        try expect(
            opened(encoder: "encoder 2") {
                $0.crop = .original
                $0.resolution = 16
            }, differsIn: "data.crop, data.resolution, encoder")
        var wider = fixture
        wider.width = 6
        let cache = try wider.open()
        try expect((frames.count { cache.features(of: $0) != nil }, cache.notes), differsIn: "features")
        #expect(try opened().hits == frames.count)
    }

    @Test("another camera or dataset has no features, which is nothing to tell")
    func otherData() throws {
        try fixture.fill()
        var wrist = FeatureCacheFixture.source()
        wrist.camera = "observation.images.wrist"
        for source in [wrist, FeatureCacheFixture.source("droid_b"), FeatureCacheFixture.source("Droid_a")] {
            let result = try opened(source)
            #expect(result.hits == 0 && result.notes.isEmpty)
        }
        #expect(try fixture.names().count == 4)
    }

    @Test(
        "a changed table of episodes has no features",
        arguments: [[4, 7, 4], [4, 7], [4, 7, 3, 1], [7, 4, 3], [14], [5, 6, 3]])
    func episodeTable(_ lengths: [Int]) throws {
        try fixture.fill()
        let result = try opened(FeatureCacheFixture.source(lengths: lengths))
        #expect(result.hits == 0)
        #expect(result.notes.count == 1 && result.notes.allSatisfy { $0.hasSuffix("differ in frames") })
    }

    @Test("episodes with other numbers have no features")
    func episodeNumbers() throws {
        try fixture.fill()
        var source = FeatureCacheFixture.source()
        source.episodes[1].index = 9
        #expect(try opened(source).hits == 0)
    }

    @Test("what does not change a picture changes no key")
    func indifferent() throws {
        try fixture.fill()
        var source = FeatureCacheFixture.source()
        (source.weight, source.episodes[0].tasks) = (7, ["another task"])
        let result = try opened(source) {
            $0.seed = 1
            $0.batchSize = 2
            $0.window = .fixed(3)
            $0.valFraction = 0.2
            $0.bufferSize = 5
            $0.padAtEnd = .clamp
        }
        #expect(result.hits == frames.count && result.notes.isEmpty)
        #expect(try fixture.names().count == 1)
    }

    @Test("once there are features under a key, others are not told of any more")
    func noteOnce() throws {
        try fixture.fill()
        #expect(try opened(encoder: "encoder 2").notes.count == 1)
        #expect(try opened(encoder: "encoder 2").notes.isEmpty)
        #expect(try opened().notes.isEmpty)
    }

    // MARK: Files of the dataset

    private func withFiles(_ files: [(name: String, path: String)]) -> StreamSource {
        var source = FeatureCacheFixture.source()
        source.contentFiles = { files }
        return source
    }

    @Test("a file that was touched, replaced, renamed, added or lost has no features")
    func contentFiles() throws {
        let video = try fixture.folder.write("video 1", to: "a.mp4")
        let other = try fixture.folder.write("video 2", to: "b.mp4")
        let files = [(name: "a.mp4", path: video), (name: "b.mp4", path: other)]
        func setTime(_ path: String, _ seconds: Double) throws {
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: path)
        }
        for file in files { try setTime(file.path, 1_000_000) }
        try fixture.fill([withFiles(files)])
        #expect(try opened(withFiles(files)).hits == frames.count)

        #expect(try opened(withFiles(files.dropLast())).hits == 0)
        #expect(try opened(withFiles([(name: "c.mp4", path: video), files[1]])).hits == 0)

        // Another time, also by less than a second; then another size.
        try setTime(video, 1_000_000.25)
        #expect(try opened(withFiles(files)).hits == 0)
        try setTime(video, 1_000_001)
        #expect(try opened(withFiles(files)).hits == 0)
        try setTime(video, 1_000_000)
        #expect(try opened(withFiles(files)).hits == frames.count)
        _ = try fixture.folder.write("video 1.", to: "a.mp4")
        try setTime(video, 1_000_000)
        #expect(try opened(withFiles(files)).hits == 0)
    }

    @Test("a file of the dataset that is not there is an error that names it")
    func missingFile() throws {
        let path = fixture.folder.path("nowhere.mp4")
        #expect {
            try fixture.open([withFiles([(name: "nowhere.mp4", path: path)])])
        } throws: { error in
            if case FormatError.io(path, _, ENOENT) = error { true } else { false }
        }
    }

    @Test(
        "a dataset's features outlast moving it, and end with a touched video or an edited table",
        arguments: ["toto_push_lf_v21", "ego4d_push_v30", "toto_push_images_v30"])
    func dataset(_ name: String) throws {
        let copy = try DatasetCopy(of: name)
        func source(_ root: String) throws -> StreamSource {
            try StreamSource(LeRobotDataset(root: root, name: name), weight: 1)
        }
        let stored = try fixture.fill([source(copy.root)]).count
        func hits(_ root: String) throws -> (hits: Int, notes: [String]) { try opened(source(root)) }
        #expect(try stored > 100 && hits(copy.root).hits == stored)

        let moved = fixture.folder.path("moved")
        try FileManager.default.moveItem(atPath: copy.root, toPath: moved)
        #expect(try hits(moved).hits == stored)

        let files = try source(moved).contentFiles()
        // The files of the camera's pictures, and those that say where in them a frame is.
        #expect(files.contains { $0.name == "meta/info.json" } && files.contains { $0.name.hasPrefix("meta/episodes") })
        #expect(files.contains { $0.name.hasPrefix(name.contains("images") ? "data/" : "videos/") })
        for file in files {
            var status = stat()
            #expect(stat(file.path, &status) == 0)
            var later = status.st_mtim
            later.tv_nsec = (later.tv_nsec + 1) % 1_000_000_000
            #expect(utimensat(AT_FDCWD, file.path, [status.st_atim, later], 0) == 0)
            let touched = try hits(moved)
            #expect(touched.hits == 0, "\(file.name)")
            #expect(touched.notes.count == 1 && touched.notes.allSatisfy { $0.hasSuffix("differ in files") })
            #expect(utimensat(AT_FDCWD, file.path, [status.st_atim, status.st_mtim], 0) == 0)
            #expect(try hits(moved).hits == stored)
        }
    }

    // MARK: Folders

    @Test(
        "a dataset's name, whatever it is, names a folder of the cache and nothing beyond it",
        arguments: [
            "../../x", "/abs", "..", ".", "", "a/../../../b", "日本語/データ", "a\0b", "a\nb", "~", "$(x)", "-rf",
            "name with spaces", "e\u{301}", "\u{202E}txt", String(repeating: "long/", count: 1000),
        ])
    func hostileNames(_ name: String) throws {
        try fixture.fill()
        let source = FeatureCacheFixture.source(name)
        #expect(try fixture.fill([source]).count == frames.count)
        let cache = try fixture.open([source])
        #expect(frames.allSatisfy { cache.features(of: $0) == fixture.features(of: $0) })
        #expect(try fixture.folder.names() == ["cache"])
        let names = try fixture.names()
        #expect(names.count == 2)
        for name in names { #expect(name.wholeMatch(of: /[A-Za-z0-9_\-]{0,64}-[0-9a-f]{16}/) != nil) }
        for name in names {
            let files = try FileManager.default.contentsOfDirectory(atPath: "\(fixture.root)/\(name)").sorted()
            #expect(files == ["features.bin", "key.json"])
        }
    }

    @Test("names that look alike as folders are different datasets")
    func alike() throws {
        try fixture.fill([FeatureCacheFixture.source("a/b")])
        for name in ["a_b", "a\\b", "a b", String(repeating: "x", count: 100) + "a/b"] {
            #expect(try opened(FeatureCacheFixture.source(name)).hits == 0)
        }
    }

    @Test("a cache where no folder can be made is an error that names the place")
    func noFolder() throws {
        let file = try fixture.folder.write("", to: "file")
        for root in [file, "\(file)/cache", "/proc/no-such-folder"] {
            #expect {
                try FeatureCache(
                    root: root, limitBytes: .max, encoder: "", patches: 1, width: 1,
                    sources: [FeatureCacheFixture.source()], options: FeatureCacheFixture.options())
            } throws: { error in
                switch error {
                case FormatError.notAFolder(let path): path == file
                case FormatError.io(let path, _, _): path == root && root.hasPrefix("/proc")
                default: false
                }
            }
        }
    }

    @Test("a dataset too large for any disk is an error")
    func tooLarge() throws {
        let endless = FeatureCacheFixture.source(lengths: [Int.max / 2])
        #expect {
            try fixture.open([endless])
        } throws: { error in
            if case FormatError.io(_, _, EFBIG) = error { true } else { false }
        }
    }

    @Test("letting go of a cache closes its files")
    func closing() throws {
        do {
            let cache = try fixture.open(["a", "b"].map { FeatureCacheFixture.source($0) })
            #expect(OpenFiles.below(fixture.root).count == 2)
            _ = cache.isFull
        }
        #expect(OpenFiles.below(fixture.root).isEmpty)
    }
}
