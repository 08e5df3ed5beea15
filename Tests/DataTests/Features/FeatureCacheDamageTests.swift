import Foundation
import LAMData
import TestSupport
import Testing

/// Whatever lies in the files of a cache: a frame has its own features or none.
@Suite struct FeatureCacheDamageTests {
    private let fixture: FeatureCacheFixture
    private let source = FeatureCacheFixture.source(lengths: [3, 2])
    private var frames: [FrameReference] { FeatureCacheFixture.frames(of: source) }

    init() throws {
        fixture = try FeatureCacheFixture()
    }

    private func edit(_ path: String, _ change: (inout Data) -> Void) throws {
        let url = URL(fileURLWithPath: path)
        var bytes = try Data(contentsOf: url)
        change(&bytes)
        try bytes.write(to: url)
    }

    /// Which frames have features in a newly opened cache; those that have must have their own.
    private func found(encoder: String = "encoder 1") throws -> [Bool] {
        let cache = try fixture.open([source], encoder: encoder)
        return frames.map { frame in
            let features = cache.features(of: frame)
            #expect(features == nil || features == fixture.features(of: frame))
            return features != nil
        }
    }

    // MARK: Records

    @Test("a flipped bit anywhere in a record makes that frame missing, and no other one")
    func flippedBits() throws {
        try fixture.fill([source])
        let file = try fixture.onlyFolder() + "/features.bin"
        for byte in 0..<(8 + 2 * fixture.patches * fixture.width) {
            let place = fixture.stride + byte
            try edit(file) { $0[place] ^= 1 << (byte % 8) }
            #expect(try found() == [true, false, true, true, true], "byte \(byte)")
            try edit(file) { $0[place] ^= 1 << (byte % 8) }
        }
        #expect(try found().allSatisfy { $0 })
    }

    @Test(
        "a file that was cut short misses the frames behind the cut",
        arguments: [0, 1, 7, 8, 37, 4096, 4133, 16_384])
    func truncated(_ size: Int) throws {
        try fixture.fill([source])
        let file = try fixture.onlyFolder() + "/features.bin"
        #expect(truncate(file, off_t(size)) == 0)
        let whole = 8 + 2 * fixture.patches * fixture.width
        #expect(try found() == (0..<5).map { $0 * fixture.stride + whole <= size })
        // And all of them can be stored again.
        try fixture.fill([source])
        #expect(try found().allSatisfy { $0 })
    }

    @Test("a file that is cut short or overwritten while a cache is open misses frames, and takes them again")
    func truncatedWhileOpen() throws {
        try fixture.fill([source])
        let cache = try fixture.open([source])
        let file = try fixture.onlyFolder() + "/features.bin"
        #expect(truncate(file, off_t(fixture.stride + 20)) == 0)
        #expect(frames.map { cache.features(of: $0) != nil } == [true, false, false, false, false])
        let descriptor = open(file, O_WRONLY)
        #expect(pwrite(descriptor, "damage", 6, 10) == 6 && close(descriptor) == 0)
        #expect(cache.features(of: frames[0]) == nil)
        for frame in frames { #expect(cache.store(fixture.features(of: frame), of: frame)) }
        #expect(try found().allSatisfy { $0 })
    }

    @Test("zeros, ones and noise in place of records are no features", arguments: [0, 1, 2])
    func overwritten(_ kind: Int) throws {
        try fixture.fill([source])
        let file = try fixture.onlyFolder() + "/features.bin"
        var random = SplitMix(state: 1)
        try edit(file) { bytes in
            bytes = Data((0..<bytes.count).map { _ in [0, 0xFF, UInt8.random(in: 0...255, using: &random)][kind] })
        }
        #expect(try !found().contains(true))
    }

    @Test("a record that was copied to another frame's place is no features of it")
    func copiedRecord() throws {
        try fixture.fill([source])
        let stride = fixture.stride
        try edit(fixture.onlyFolder() + "/features.bin") { bytes in
            bytes.replaceSubrange(stride..<2 * stride, with: bytes[..<stride])
        }
        #expect(try found() == [true, false, true, true, true])
    }

    @Test("a file that was copied from another key's folder holds no features")
    func copiedFile() throws {
        try fixture.fill([source])
        let first = try fixture.onlyFolder()
        try fixture.fill([source], encoder: "encoder 2")
        let second = try #require(fixture.names().map { "\(fixture.root)/\($0)" }.first { $0 != first })
        for (from, to, encoder) in [(first, second, "encoder 2"), (second, first, "encoder 1")] {
            for file in ["features.bin", "key.json"] {
                let own = try Data(contentsOf: URL(fileURLWithPath: "\(to)/\(file)"))
                let foreign = try Data(contentsOf: URL(fileURLWithPath: "\(from)/\(file)"))
                try edit("\(to)/\(file)") { $0 = foreign }
                // The other key beside the own records harms nothing; the other records do not count.
                #expect(try found(encoder: encoder) == Array(repeating: file == "key.json", count: 5))
                try edit("\(to)/\(file)") { $0 = own }
            }
        }
        #expect(try found().allSatisfy { $0 } && found(encoder: "encoder 2").allSatisfy { $0 })
    }

    @Test("a longer file is as good as one of the right length, and keeps its length")
    func longer() throws {
        try fixture.fill([source])
        let file = try fixture.onlyFolder() + "/features.bin"
        try edit(file) { $0.append(Data(repeating: 7, count: 10_000)) }
        #expect(try found().allSatisfy { $0 })
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)).count == 5 * fixture.stride + 10_000)
    }

    // MARK: Keys

    private static let hostileKeys: [(name: String, text: String)] = [
        ("empty", ""), ("no JSON", "not JSON at all"), ("cut short", "{\"dataset\": \"droid_a\", \"camera\": \"obs"),
        ("an array", "[1, 2, 3]"), ("numbers", "{\"dataset\": 1, \"camera\": 2}"), ("null", "null"),
        ("nested values", "{\"dataset\": {\"camera\": \"x\"}}"), ("no such unicode", "{\"dataset\": \"\\ud800\"}"),
        ("deep arrays", String(repeating: "[", count: 60_000)),
        ("deep objects", String(repeating: "{\"a\":", count: 12_000) + "1" + String(repeating: "}", count: 12_000)),
        ("huge", "{\"dataset\": \"" + String(repeating: "x", count: 20_000_000) + "\"}"),
        ("many facts", "{" + (0..<4000).map { "\"\($0)\":\"\"" }.joined(separator: ",") + "}"),
        ("facts of no key", "{\"dataset\": \"droid_a\", \"camera\": \"observation.image\"}"),
        ("a fact twice", "{\"dataset\": \"droid_a\", \"dataset\": \"droid_b\"}"),
    ]

    @Test("a folder's own key may be anything: its features still count, and the key is written anew")
    func ownKey() throws {
        try fixture.fill([source])
        let key = try fixture.onlyFolder() + "/key.json"
        let good = try Data(contentsOf: URL(fileURLWithPath: key))
        for (name, text) in Self.hostileKeys {
            try edit(key) { $0 = Data(text.utf8) }
            #expect(try found().allSatisfy { $0 }, "\(name)")
            #expect(try Data(contentsOf: URL(fileURLWithPath: key)) == good, "\(name)")
        }
        try FileManager.default.removeItem(atPath: key)
        #expect(try found().allSatisfy { $0 })
        #expect(try Data(contentsOf: URL(fileURLWithPath: key)) == good)
    }

    @Test("folders of other keys may hold anything")
    func otherKeys() throws {
        let bytes = [0, 0xFF, 0x7B] as [UInt8]
        for (place, key) in (Self.hostileKeys.map { Data($0.text.utf8) } + [Data(bytes)]).enumerated() {
            let folder = "\(fixture.root)/droid_a-\(String(format: "%016x", place))"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try key.write(to: URL(fileURLWithPath: "\(folder)/key.json"))
            try Data(count: 10).write(to: URL(fileURLWithPath: "\(folder)/features.bin"))
        }
        let cache = try fixture.open([source])
        #expect(frames.allSatisfy { cache.features(of: $0) == nil })
        // "facts of no key" says the same dataset and camera.
        #expect(cache.notes.count == 1 && cache.notes.allSatisfy { $0.utf8.count < 1000 })
    }

    @Test(
        "a key that is a folder, a pipe, a device or a link to nowhere neither hangs nor crashes",
        .timeLimit(.minutes(1)))
    func oddKeys() throws {
        try FileManager.default.createDirectory(atPath: fixture.root, withIntermediateDirectories: true)
        let makers: [(String) -> Bool] = [
            { mkdir($0, 0o777) == 0 }, { mkfifo($0, 0o666) == 0 }, { symlink("/dev/zero", $0) == 0 },
            { symlink("nowhere", $0) == 0 }, { symlink("key.json", $0) == 0 }, { symlink("/dev/stdin", $0) == 0 },
        ]
        for (place, make) in makers.enumerated() {
            let folder = "\(fixture.root)/droid_a-\(String(format: "%016x", place))"
            #expect(mkdir(folder, 0o777) == 0 && make("\(folder)/key.json"))
            try Data(count: 10).write(to: URL(fileURLWithPath: "\(folder)/features.bin"))
        }
        let cache = try fixture.open([source])
        #expect(cache.notes.isEmpty && cache.store(fixture.features(of: frames[0]), of: frames[0]))
    }

    @Test("features that are no file are an error, not a hang", .timeLimit(.minutes(1)))
    func oddFeatures() throws {
        try fixture.fill([source])
        let file = try fixture.onlyFolder() + "/features.bin"
        for make in [{ mkdir($0, 0o777) == 0 }, { mkfifo($0, 0o666) == 0 }] as [(String) -> Bool] {
            try FileManager.default.removeItem(atPath: file)
            #expect(make(file))
            #expect(throws: (any Error).self) { try fixture.open([source]) }
        }
    }
}
