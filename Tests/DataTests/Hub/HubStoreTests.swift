import Formats
import Foundation
import LAMData
import TestSupport
import Testing

/// Downloads from a real server on this machine, which misbehaves where a test says so.
@Suite struct HubStoreTests {
    private let server: HubServer
    private let cache: TemporaryFolder
    private static let id = "lam-test/push"
    private static let source = Goldens.url("datasets/push_default_v30")
    private static let video = "videos/observation.images.top/chunk-000/file-001.mp4"
    private static let tasks = "meta/info.json"

    init() throws {
        server = try HubServer([Self.id: Self.source])
        cache = try TemporaryFolder()
    }

    private func access(_ environment: [String: String] = [:]) throws -> HubAccess {
        var access = try HubAccess(
            environment: [
                "HF_HUB_CACHE": cache.path("hub"), "HF_ENDPOINT": server.endpoint, "HOME": cache.path("home"),
            ]
            .merging(environment) { $1 })
        access.retry.firstPause = 0.01
        access.retry.attempts = 4
        access.stallSeconds = 1
        return access
    }

    private func store(_ environment: [String: String] = [:], limitBytes: Int? = nil) throws -> HubStore {
        HubStore(try access(environment), limitBytes: limitBytes)
    }

    private func fetch(_ file: String, _ store: HubStore) throws -> Data {
        let snapshot = try store.snapshot(of: HubRepository(Self.id, kind: .dataset))
        let lease = try store.hold(file, of: snapshot)
        return try withExtendedLifetime(lease) { try Data(contentsOf: URL(fileURLWithPath: lease.path)) }
    }

    private func original(_ file: String) throws -> Data {
        try Data(contentsOf: Self.source.appendingPathComponent(file))
    }

    private func failure(_ body: () throws -> Void) -> HubFailure? {
        do {
            try body()
            return nil
        } catch DataError.hub(let failure) {
            return failure
        } catch {
            Issue.record("\(error)")
            return nil
        }
    }

    // MARK: Layout

    @Test("a file is fetched once and lies in the cache as huggingface_hub lays it out")
    func layout() throws {
        let store = try store()
        let content = try original(Self.video)
        #expect(try fetch(Self.video, store) == content)
        #expect(try fetch(Self.video, store) == content)
        #expect(server.contentRequests("file-001.mp4").count == 1)
        #expect(store.traffic.files == 1 && store.traffic.bytes == content.count)
        let folder = cache.path("hub/datasets--lam-test--push")
        let digest = SHA256.hexadecimal(of: Array(content))
        let link = "\(folder)/snapshots/\(HubServer.commit)/\(Self.video)"
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: link) == "../../../../../blobs/\(digest)")
        #expect(try String(contentsOfFile: "\(folder)/refs/main", encoding: .utf8) == HubServer.commit)
        #expect(try FileManager.default.contentsOfDirectory(atPath: "\(folder)/blobs") == [digest])
        let known = try HubCache(root: cache.path("hub")).path(
            of: Self.video, in: HubRepository(Self.id, kind: .dataset))
        #expect(known == link)
    }

    @Test("what the cache has needs no network, and what it lacks is told when the network is forbidden")
    func offline() throws {
        _ = try fetch(Self.tasks, store())
        let asked = server.requests.count
        let offline = try store(["HF_HUB_OFFLINE": "1"])
        #expect(try fetch(Self.tasks, offline) == original(Self.tasks))
        let failure = failure { _ = try fetch(Self.video, offline) }
        guard case .offline(_, Self.video, _) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        #expect(failure?.description.contains("HF_HUB_OFFLINE") == true)
        #expect(server.requests.count == asked)
    }

    // MARK: Faults

    @Test(
        "a file arrives whole and sound whatever happens on the way",
        arguments: [
            [.status(429, retryAfter: "0")], [.status(503), .status(500)], [.truncate(after: 1000)],
            [.truncate(after: 50_000), .truncate(after: 10_000)], [.stall(after: 2000)], [.damage],
            [.truncate(after: 0), .damage], [.truncate(after: 5000), .wrongRange],
            [.truncate(after: 5000), .refuseRange], [.status(403), .status(404)],
        ] as [[HubServer.Fault]])
    func faults(_ faults: [HubServer.Fault]) throws {
        server.fail("file-001.mp4", with: faults)
        #expect(try fetch(Self.video, store()) == original(Self.video))
        #expect(server.contentRequests("file-001.mp4").count == faults.count + 1)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: cache.path("hub/datasets--lam-test--push/blobs")).count
                == 1)
    }

    @Test("an interrupted download goes on where it stopped, also in another process")
    func resuming() throws {
        server.fail("file-001.mp4", with: Array(repeating: .truncate(after: 30_000), count: 1))
        var access = try access()
        access.retry.attempts = 1
        let first = HubStore(access, limitBytes: nil)
        #expect(failure { _ = try fetch(Self.video, first) } != nil)
        #expect(try fetch(Self.video, store()) == original(Self.video))
        #expect(server.contentRequests("file-001.mp4").map(\.range) == [nil, "bytes=30000-"])
    }

    @Test("a server that sends the whole file instead of the rest is as good")
    func ignoredRange() throws {
        server.fail("file-001.mp4", with: [.truncate(after: 5000), .ignoreRange])
        #expect(try fetch(Self.video, store()) == original(Self.video))
        #expect(server.contentRequests("file-001.mp4").count == 2)
    }

    @Test("another ETag in the middle of things starts the file anew")
    func changingETag() throws {
        server.fail("info.json", with: [.otherETag])
        #expect(try fetch(Self.tasks, store()) == original(Self.tasks))
    }

    @Test("what never gets better ends in an error with the address, the attempts and the reason")
    func givingUp() throws {
        server.fail("file-001.mp4", with: Array(repeating: .status(502), count: 9))
        guard case .unreachable(let url, 4, let reason) = failure({ _ = try fetch(Self.video, store()) }) else {
            Issue.record("not the failure expected")
            return
        }
        #expect(url.hasSuffix(Self.video) && reason.contains("502"))
        server.fail("file-001.mp4", with: Array(repeating: .damage, count: 9))
        guard case .unexpectedContent(let address, "SHA-256", _, _) = failure({ _ = try fetch(Self.video, store()) })
        else {
            Issue.record("not the failure expected")
            return
        }
        // The address of the storage host comes with a signature.
        #expect(!address.contains("secret") && address.hasPrefix(server.storageEndpoint))
    }

    @Test("a server that asks for a pause is given it, and one that asks for hours is told so")
    func retryAfter() throws {
        server.fail("info.json", with: [.status(429, retryAfter: "1")])
        let start = ContinuousClock.now
        #expect(try fetch(Self.tasks, store()) == original(Self.tasks))
        #expect(ContinuousClock.now - start >= .seconds(1))
        server.fail("file-001.mp4", with: [.status(429, retryAfter: "86400")])
        #expect(failure { _ = try fetch(Self.video, store()) } != nil)
    }

    @Test("a server that is not there is an error in words, after the attempts")
    func noServer() throws {
        let failure = failure {
            _ = try fetch(Self.tasks, try store(["HF_ENDPOINT": "http://127.0.0.1:1"]))
        }
        guard case .unreachable(_, 4, _) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
    }

    @Test(
        "the end of a run ends a stall and a pause at once, not after the attempts",
        arguments: [.stall(after: 1000), .status(429, retryAfter: "60")] as [HubServer.Fault])
    func cancelling(_ fault: HubServer.Fault) throws {
        server.fail("file-001.mp4", with: [fault])
        var access = try access()
        access.stallSeconds = 30
        let start = ContinuousClock.now
        access.isCancelled = { ContinuousClock.now - start > .milliseconds(500) }
        #expect(failure { _ = try fetch(Self.video, HubStore(access, limitBytes: nil)) } == .cancelled)
        #expect(ContinuousClock.now - start < .seconds(3))
        // What had arrived is gone on from.
        #expect(try fetch(Self.video, store()) == original(Self.video))
    }

    // MARK: Tokens and redirects

    @Test("the token goes to the hub and to nobody else")
    func token() throws {
        let server = try HubServer([Self.id: Self.source], token: "hf_secret")
        let environment = ["HF_ENDPOINT": server.endpoint + "/", "HF_TOKEN": "hf_secret\n"]
        #expect(try fetch(Self.video, store(environment)) == original(Self.video))
        let (hub, storage) = (server.requests.filter { !$0.isStorage }, server.requests.filter(\.isStorage))
        #expect(hub.count >= 2 && hub.allSatisfy { $0.authorization == "Bearer hf_secret" })
        #expect(storage.count == 1 && storage.allSatisfy { $0.authorization == nil })
        for environment in [["HF_TOKEN": "hf_wrong"], [:]] {
            let other = try HubStore(
                HubAccess(
                    environment: ["HF_HUB_CACHE": cache.path("other"), "HF_ENDPOINT": server.endpoint].merging(
                        environment
                    ) { $1 }), limitBytes: nil)
            guard
                case .refused(_, 401, "Invalid credentials", environment["HF_TOKEN"] != nil) = failure({
                    _ = try fetch(Self.video, other)
                })
            else {
                Issue.record("not refused")
                continue
            }
        }
    }

    @Test("redirects in a circle and to other protocols are refused")
    func redirects() throws {
        for target in ["ftp://127.0.0.1/x", "file:///etc/passwd"] {
            server.fail("info.json", with: [.redirect(target)])
            guard case .badRedirect = failure({ _ = try fetch(Self.tasks, store()) }) else {
                Issue.record("followed to \(target)")
                continue
            }
        }
        let circle = "\(server.endpoint)/datasets/\(Self.id)/resolve/\(HubServer.commit)/\(Self.tasks)"
        server.fail("info.json", with: Array(repeating: .redirect(circle), count: 20))
        guard case .badRedirect(_, _, "more than 10 redirects") = failure({ _ = try fetch(Self.tasks, store()) }) else {
            Issue.record("went round")
            return
        }
    }

    // MARK: Sharing and the bound

    @Test("many threads and stores that want one file fetch it once")
    func sharing() throws {
        server.setDelay(0.05)
        let stores = try (0..<3).map { _ in try store() }
        let expected = try original(Self.video)
        let failures = Failures()
        DispatchQueue.concurrentPerform(iterations: 6) { number in
            do {
                if try fetch(Self.video, stores[number % 3]) != expected { failures.add("other bytes") }
            } catch {
                failures.add("\(error)")
            }
        }
        #expect(failures.all == [])
        #expect(server.contentRequests("file-001.mp4").count == 1)
    }

    @Test("the least recently used files go when the bound is reached, but none that is held or another program's")
    func bound() throws {
        let files = [
            "videos/observation.images.top/chunk-000/file-000.mp4",
            "videos/observation.images.top/chunk-000/file-001.mp4",
            "videos/observation.images.wrist/chunk-000/file-000.mp4",
            "videos/observation.images.wrist/chunk-000/file-001.mp4",
        ]
        let sizes = try files.map { try original($0).count }
        let store = try store(limitBytes: sizes[0] + sizes[1] + sizes[2] / 2)
        let snapshot = try store.snapshot(of: HubRepository(Self.id, kind: .dataset))
        func isThere(_ place: Int) -> Bool {
            FileManager.default.fileExists(atPath: "\(store.folder(of: snapshot))/\(files[place])")
        }
        let foreign = cache.path("hub/datasets--lam-test--other/blobs/abc")
        try FileManager.default.createDirectory(
            atPath: cache.path("hub/datasets--lam-test--other/blobs"), withIntermediateDirectories: true)
        try Data(repeating: 0, count: 1 << 20).write(to: URL(fileURLWithPath: foreign))
        let held = try store.hold(files[0], of: snapshot)
        _ = try store.hold(files[1], of: snapshot)
        _ = try store.hold(files[2], of: snapshot)
        #expect([0, 1, 2].map(isThere) == [true, false, true])
        withExtendedLifetime(held) {}
        #expect(FileManager.default.fileExists(atPath: foreign))
        // What went comes again when it is wanted.
        #expect(try fetch(files[1], store) == original(files[1]))
        #expect(server.contentRequests("file-001.mp4").filter { $0.path.contains(".top/") }.count == 2)
    }

    @Test("what the variables say, and what cannot be used")
    func variables() throws {
        let plain = try HubAccess(environment: ["HOME": "/h"])
        #expect(plain.endpoint == "https://huggingface.co" && plain.token == nil && !plain.isOffline)
        #expect(plain.lerobotHome == "/h/.cache/huggingface/lerobot")
        let home = try HubAccess(environment: [
            "HF_HOME": "/x", "HF_HUB_OFFLINE": "yes", "HF_LEROBOT_HOME": "~/sets", "HOME": "/h",
        ])
        #expect(home.lerobotHome == "/h/sets" && home.isOffline && home.cache.root == "/x/hub")
        _ = try cache.write("hf_file\n", to: "token")
        #expect(try HubAccess(environment: ["HF_HOME": cache.root.path]).token == "hf_file")
        for variables in [["HF_ENDPOINT": "ftp://x"], ["HF_ENDPOINT": "hub"], ["HF_TOKEN": "a\nX-Evil: b"]] {
            #expect(throws: DataError.self) { try HubAccess(environment: variables) }
        }
    }
}

/// Counts over threads.
private final class Failures: @unchecked Sendable {
    // SAFETY: `texts` is used under the lock only.
    private let lock = NSLock()
    private var texts: [String] = []
    var all: [String] { lock.withLock { texts } }
    func add(_ text: String) { lock.withLock { texts.append(text) } }
}
