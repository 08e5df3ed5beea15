import Foundation
import LAMData
import TestSupport
import Testing

/// The bound on a cache's size, and what is removed to keep it.
@Suite struct FeatureCacheBoundTests {
    private var fixture: FeatureCacheFixture
    private let source = FeatureCacheFixture.source(lengths: [20, 12])
    private var frames: [FrameReference] { FeatureCacheFixture.frames(of: source) }
    /// What a full folder takes, without what the file system adds.
    private var fullBytes: Int { frames.count * fixture.stride }

    init() throws {
        fixture = try FeatureCacheFixture()
        // Three pages a record.
        (fixture.patches, fixture.width) = (64, 64)
    }

    /// Fills a folder for each of the encoders, in this order of age, and gives their paths.
    private func fillFolders(_ encoders: [String], countingFrom start: Int = 1_000_000) throws -> [String] {
        var folders: [String] = []
        for (place, encoder) in encoders.enumerated() {
            let before = try? fixture.names()
            try fixture.fill([source], encoder: encoder)
            let new = try Set(fixture.names()).subtracting(before ?? []).sorted()
            #expect(new.count == 1)
            folders += new.map { "\(fixture.root)/\($0)" }
            try fixture.setAge(folders[place], secondsSince1970: start + place)
        }
        return folders
    }

    private func remaining(of folders: [String]) -> [Bool] {
        folders.map { FileManager.default.fileExists(atPath: $0) }
    }

    // MARK: A full cache

    @Test("a full cache takes no more frames, keeps those it has, and stays full when it is opened again")
    func full() throws {
        let limit = 10 * fixture.stride + 5000
        do {
            let cache = try fixture.open([source], limitBytes: limit)
            let taken = frames.map { cache.store(fixture.features(of: $0), of: $0) }
            // The key takes a page, so the tenth record just fits.
            #expect(taken == frames.indices.map { $0 < 10 } && cache.isFull)
            let size = try fixture.bytesOnDisk()
            #expect(size <= limit)
            #expect(!cache.store(fixture.features(of: frames[0]), of: frames[0]))
            #expect(try fixture.bytesOnDisk() == size)
            #expect(frames.indices.allSatisfy { (cache.features(of: frames[$0]) != nil) == ($0 < 10) })
        }
        do {
            let cache = try fixture.open([source], limitBytes: limit)
            #expect(!cache.store(fixture.features(of: frames[30]), of: frames[30]) && cache.isFull)
            #expect(cache.features(of: frames[9]) == fixture.features(of: frames[9]))
            #expect(cache.features(of: frames[30]) == nil && cache.notes.isEmpty)
        }
        let larger = try fixture.open([source], limitBytes: 2 * limit)
        #expect(larger.store(fixture.features(of: frames[30]), of: frames[30]) && !larger.isFull)
    }

    @Test("a bound below a single record keeps nothing and is no error", arguments: [Int.min, -1, 0, 1, 4096, 12_000])
    func tiny(_ limit: Int) throws {
        let cache = try fixture.open([source], limitBytes: limit)
        #expect(!cache.store(fixture.features(of: frames[0]), of: frames[0]) && cache.isFull)
        #expect(cache.features(of: frames[0]) == nil)
        #expect(try fixture.bytesOnDisk() <= 4096)
    }

    @Test("the bound is on all datasets of the mix together")
    func mix() throws {
        let sources = [source, FeatureCacheFixture.source("other", lengths: [20, 12])]
        let taken = try fixture.fill(sources, limitBytes: 40 * fixture.stride + 10_000)
        #expect(taken.count == 40 && taken.filter { $0.dataset == 1 }.count == 8)
        #expect(try fixture.bytesOnDisk() <= 40 * fixture.stride + 10_000)
    }

    @Test("what other processes write counts after some time")
    func othersWrites() throws {
        var fixture = fixture
        // Records of 2 MiB and a page.
        (fixture.patches, fixture.width) = (1024, 1024)
        let long = FeatureCacheFixture.source(lengths: [200])
        let limit = 150 << 20
        let one = try fixture.open([long], limitBytes: limit)
        let other = try fixture.open([long], limitBytes: limit)
        let features = fixture.features(of: FrameReference(dataset: 0, episode: 0, frame: 0))
        func store(_ cache: FeatureCache, _ numbers: Range<Int>) -> Int {
            numbers.count { cache.store(features, of: FrameReference(dataset: 0, episode: 0, frame: $0)) }
        }
        #expect(store(other, 0..<33) == 33)
        // Not knowing, it would take 74. The first look comes after 64 MiB.
        #expect((32...42).contains(store(one, 40..<200)) && one.isFull)
        #expect(try fixture.bytesOnDisk() <= limit)
    }

    // MARK: Removing

    @Test("unused folders are removed, the oldest first, until the dataset fits, with a line for each")
    func removing() throws {
        let folders = try fillFolders(["oldest", "older", "newer", "newest"])
        // Room for three of five.
        let cache = try fixture.open([source], limitBytes: 3 * fullBytes + fullBytes / 2)
        #expect(remaining(of: folders) == [false, false, true, true])
        let removed = cache.notes.filter { $0.contains("removed") }
        #expect(removed.count == 2 && removed[0].contains(folders[0]) && removed[1].contains(folders[1]))
        for frame in frames { #expect(cache.store(fixture.features(of: frame), of: frame)) }
        #expect(try fixture.bytesOnDisk() <= 3 * fullBytes + fullBytes / 2)
    }

    @Test("age is that of the last write")
    func age() throws {
        let folders = try fillFolders(["a", "b", "c"])
        try fixture.setAge(folders[0], secondsSince1970: 2_000_000)
        let cache = try fixture.open([source], limitBytes: 3 * fullBytes + fullBytes / 2)
        #expect(remaining(of: folders) == [true, false, true])
        #expect(cache.notes.filter { $0.contains("removed") }.count == 1)
    }

    @Test("nothing is removed while all fits, nor for a dataset that has its features already")
    func fitting() throws {
        let folders = try fillFolders(["a", "b", "c"])
        #expect(try fixture.open([source], limitBytes: 5 * fullBytes).notes.allSatisfy { !$0.contains("removed") })
        let size = try fixture.bytesOnDisk()
        #expect(try fixture.open([source], encoder: "a", limitBytes: size).notes.isEmpty)
        #expect(remaining(of: folders) == [true, true, true])
    }

    @Test("a bound that was lowered removes what is above it, but never the own folder")
    func lowered() throws {
        let folders = try fillFolders(["a", "b", "c"])
        let cache = try fixture.open([source], encoder: "a", limitBytes: fullBytes / 2)
        #expect(remaining(of: folders) == [true, false, false])
        #expect(frames.allSatisfy { cache.features(of: $0) == fixture.features(of: $0) })
        #expect(!cache.store(fixture.features(of: frames[0]), of: frames[0]))
    }

    @Test("a folder in use is never removed, and is once it is let go of")
    func inUse() throws {
        let folders = try fillFolders(["a", "b", "c"])
        try withExtendedLifetime(fixture.open([source], encoder: "a")) { user in
            // As another process has it: a descriptor of its own with a shared lock.
            let descriptor = open("\(folders[1])/features.bin", O_RDONLY)
            #expect(flock(descriptor, LOCK_SH) == 0)
            let cache = try fixture.open([source], limitBytes: 1)
            #expect(remaining(of: folders) == [true, true, false])
            #expect(cache.notes.filter { $0.contains("removed") }.count == 1)
            #expect(frames.allSatisfy { user.features(of: $0) == fixture.features(of: $0) })
            close(descriptor)
            #expect(try fixture.open([source], limitBytes: 1).notes.filter { $0.contains("removed") }.count == 1)
            #expect(remaining(of: folders) == [true, false, false])
        }
        // The one that was kept, and that of the two caches above.
        _ = try fixture.open([source], encoder: "d", limitBytes: 1)
        #expect(remaining(of: folders) == [false, false, false])
        #expect(try fixture.names().count == 1)
    }

    @Test("a removed folder is made anew, empty, when its key is used again")
    func again() throws {
        _ = try fillFolders(["a"])
        _ = try fixture.open([source], limitBytes: 1)
        do {
            let cache = try fixture.open([source], encoder: "a")
            #expect(frames.allSatisfy { cache.features(of: $0) == nil })
            #expect(cache.store(fixture.features(of: frames[0]), of: frames[0]))
        }
        #expect(try fixture.open([source], encoder: "a").features(of: frames[0]) == fixture.features(of: frames[0]))
    }

    @Test("what is not the cache's is never touched, even if its files have the cache's names")
    func foreign() throws {
        let foreign = [
            "readme.txt", "features.bin", "key.json", "only-key/key.json", "photos/features.bin",
            "my-dataset/key.json", "my-dataset/features.bin", "droid_a-0123456789abcdef/key.json",
            "run-0123456789abcdeg/key.json", "run-0123456789abcdeg/features.bin",
            "run0123456789abcdef/key.json", "run0123456789abcdef/features.bin",
            "vidéo-0123456789abcdef/key.json", "vidéo-0123456789abcdef/features.bin",
        ]
        for name in foreign {
            let url = URL(fileURLWithPath: "\(fixture.root)/\(name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data("mine".utf8).write(to: url)
        }
        let folders = try fillFolders(["a"])
        try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(folders[0])/notes.txt"))
        let cache = try fixture.open([source], limitBytes: 1)
        #expect(cache.notes.filter { $0.contains("removed") }.count == 1)
        for path in foreign.map({ "\(fixture.root)/\($0)" }) + ["\(folders[0])/notes.txt"] {
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("mine".utf8), "\(path)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folders[0]) == ["notes.txt"])
    }

    @Test("folders whose key is damaged count and are removed like all others")
    func damagedKey() throws {
        let folders = try fillFolders(["a", "b"])
        try Data("no key".utf8).write(to: URL(fileURLWithPath: "\(folders[0])/key.json"))
        let cache = try fixture.open([source], limitBytes: 2 * fullBytes + fullBytes / 2)
        #expect(remaining(of: folders) == [false, true])
        #expect(cache.notes.filter { $0.contains("removed") }.count == 1)
    }
}
