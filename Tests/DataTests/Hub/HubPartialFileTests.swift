import Foundation
import LAMData
import TestSupport
import Testing

/// Large videos that are read by ranges before they are here.
@Suite struct HubPartialFileTests {
    private static let id = "lam-test/push_default_v30"
    private static let source = Goldens.url("datasets/push_default_v30")
    private static let video = "videos/observation.images.wrist/chunk-000/file-001.mp4"
    private let server: HubServer
    private let cache: TemporaryFolder

    init() throws {
        server = try HubServer([Self.id: Self.source])
        cache = try TemporaryFolder()
    }

    private func access() throws -> HubAccess {
        var access = try HubAccess(environment: [
            "HF_HUB_CACHE": cache.path("hub"), "HF_ENDPOINT": server.endpoint, "HOME": cache.path("home"),
        ])
        access.retry.firstPause = 0.01
        access.retry.attempts = 4
        access.stallSeconds = 1
        access.smallestPartialFile = 1
        access.blockBytes = 4096
        return access
    }

    private func file() throws -> any ByteSource {
        let store = HubStore(try access(), limitBytes: nil)
        let snapshot = try store.snapshot(of: HubRepository(Self.id, kind: .dataset))
        return try #require(try store.partial(Self.video, of: snapshot))
    }

    private func bytes(_ source: any ByteSource, _ range: Range<Int>) throws -> Data {
        try source.require(range)
        var data = Data(count: range.count)
        try data.withUnsafeMutableBytes { try source.read($0, at: range.lowerBound) }
        return data
    }

    private func original() throws -> Data { try Data(contentsOf: Self.source.appendingPathComponent(Self.video)) }

    private func wholeRequests() -> [HubServer.Request] {
        server.contentRequests("file-001.mp4").filter { !($0.range ?? "").contains(/-\d/) }
    }

    private func options(root: String? = nil) -> StreamOptions {
        var options = StreamOptions(datasetMix: [.init(Self.id, 1)], root: root)
        options.batchSize = 8
        options.resolution = 32
        options.numWorkers = 2
        options.imageKeys = [.init(pattern: "push_default", key: "observation.images.wrist")]
        return options
    }

    @Test("a range is fetched in blocks, once, and neighbours in one request")
    func blocks() throws {
        let (file, content) = (try file(), try original())
        #expect(file.count == content.count)
        #expect(try bytes(file, 5000..<5010) == content[5000..<5010])
        #expect(try bytes(file, 4096..<20_000) == content[4096..<20_000])
        #expect(try bytes(file, content.count - 3..<content.count) == content.suffix(3))
        let last = content.count / 4096 * 4096
        #expect(
            server.contentRequests("file-001.mp4").map(\.range)
                == ["bytes=4096-8191", "bytes=8192-20479", "bytes=\(last)-\(content.count - 1)"])
    }

    @Test("a stream gives the bytes of the same stream from disk though no whole video ever arrives")
    func stream() throws {
        let home = try TemporaryFolder()
        try FileManager.default.createDirectory(at: home.url("lam-test"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: Self.source, to: home.url(Self.id))
        let local = try FramePairStream(options(root: home.root.path))
        server.refuseWholeFiles()
        var access = try access()
        let opened = try HubStore(access, limitBytes: nil).snapshot(of: HubRepository(Self.id, kind: .dataset))
        // Metadata are large files to this server, too.
        server.refuseWholeFiles(false)
        let sources = try StreamSource.open(options(), hub: access)
        server.refuseWholeFiles()
        access.retry.attempts = 1
        let remote = try FramePairStream(sources: sources, options())
        for _ in 0..<12 { #expect(try remote.next() == local.next()) }
        #expect(!server.contentRequests(".mp4").isEmpty)
        let store = HubStore(access, limitBytes: nil)
        let files = FileManager.default.enumerator(atPath: store.folder(of: opened))?.compactMap { $0 as? String } ?? []
        #expect(!files.contains { $0.hasSuffix(".mp4") })
        // Nothing is left of the parts, whenever the process ends.
        let own = try FileManager.default.contentsOfDirectory(atPath: cache.path("hub/.lam"))
        #expect(!own.contains { $0.hasPrefix("range-") })
    }

    @Test(
        "a range arrives sound whatever happens on the way",
        arguments: [
            [.status(429, retryAfter: "0")], [.status(503), .status(500)], [.truncate(after: 1000)],
            [.truncate(after: 5000), .truncate(after: 100)], [.stall(after: 2000)], [.status(403)],
        ] as [[HubServer.Fault]])
    func faults(_ faults: [HubServer.Fault]) throws {
        server.fail("file-001.mp4", with: faults)
        #expect(try bytes(file(), 0..<20_000) == original()[0..<20_000])
        #expect(server.contentRequests("file-001.mp4").count == faults.count + 1 && wholeRequests().isEmpty)
    }

    @Test(
        "where a server does not keep to ranges, the whole file is fetched and checked",
        arguments: [.wrongRange, .ignoreRange, .refuseRange] as [HubServer.Fault])
    func noRanges(_ fault: HubServer.Fault) throws {
        server.fail("file-001.mp4", with: [fault])
        let file = try file()
        #expect(try bytes(file, 4096..<9000) == original()[4096..<9000])
        #expect(wholeRequests().count == 1)
        #expect(try bytes(file, 0..<file.count) == original())
        #expect(server.contentRequests("file-001.mp4").count == 2)
    }

    @Test("another ETag between two ranges leads to the whole file, too")
    func changingETag() throws {
        let file = try file()
        #expect(try bytes(file, 0..<100) == original()[0..<100])
        server.fail("file-001.mp4", with: [.otherETag])
        #expect(try bytes(file, 30_000..<40_000) == original()[30_000..<40_000])
        #expect(wholeRequests().count == 1)
    }

    @Test("once the whole file is here it is read, and ranges that were other bytes are an error")
    func comparison() throws {
        let sound = try file()
        _ = try bytes(sound, 0..<10_000)
        try sound.requireWhole()
        let asked = server.requests.count
        #expect(try bytes(sound, 0..<sound.count) == original())
        #expect(server.requests.count == asked)

        try FileManager.default.removeItem(atPath: cache.path("hub"))
        server.fail("file-001.mp4", with: [.damage])
        let damaged = try file()
        _ = try bytes(damaged, 0..<100)
        #expect {
            try damaged.requireWhole()
        } throws: { error in
            guard case DataError.hub(.unexpectedContent(_, "bytes 0-4095", _, _)) = error else { return false }
            return true
        }
    }

    @Test("many threads that want one block fetch it once")
    func sharing() throws {
        server.setDelay(0.05)
        let (file, content) = (try file(), try original())
        DispatchQueue.concurrentPerform(iterations: 8) { number in
            let got = try? bytes(file, 4096 * (number % 2)..<8192)
            #expect(got == content[4096 * (number % 2)..<8192])
        }
        #expect(server.contentRequests("file-001.mp4").count <= 2)
    }

    @Test(
        "tables are found without the frames, and what has none that suffice is told",
        arguments: ["push_default_v30", "ego4d_push_v30", "droid_push_v30", "typed_columns_v30"])
    func tables(_ name: String) throws {
        let root = Goldens.url("datasets/\(name)")
        let files = FileManager.default.enumerator(atPath: root.path)?.compactMap { $0 as? String } ?? []
        for video in files where video.hasSuffix(".mp4") {
            let path = root.appendingPathComponent(video).path
            let sparse = try SparseFile(path)
            #expect(try sparse.requireTables())
            let (whole, partial) = (try VideoIndex(path: path), try VideoIndex(path: path, source: sparse))
            #expect(sparse.fetched < sparse.count / 2, "\(sparse.fetched) of \(sparse.count)")
            #expect((0..<whole.count).map(whole.seconds) == (0..<partial.count).map(partial.seconds))
            #expect(whole.longestGroup == partial.longestGroup && whole.codec == partial.codec)
        }
        let path = try cache.write("not a video at all, but long enough for a box or two", to: "text")
        #expect(try !SparseFile(path).requireTables())
    }
}

/// A file of which only what was asked for is there.
private final class SparseFile: ByteSource, @unchecked Sendable {
    // SAFETY: used by one thread.
    private let content: Data
    private var isHere: [Bool]

    init(_ path: String) throws {
        content = try Data(contentsOf: URL(fileURLWithPath: path))
        isHere = Array(repeating: false, count: content.count)
    }

    var count: Int { content.count }
    var fetched: Int { isHere.count { $0 } }
    func require(_ range: Range<Int>) { for place in range { isHere[place] = true } }
    func requireWhole() { require(0..<count) }
    func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) {
        for place in 0..<buffer.count { buffer[place] = isHere[offset + place] ? content[offset + place] : 0 }
    }
}
