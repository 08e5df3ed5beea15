import Accelerator
import AcceleratorTestSupport
import BackendConformance
import Foundation
import PJRT
import StableHLO
import Tensor
import Testing

@Suite(
    "Several devices of one process", .serialized,
    .enabled(if: TestPlugin.isThere, "the CPU plugin was not fetched: bash scripts/accelerator.sh cpu"))
struct ReplicaTests {
    private static let small: [Float] = [1, 2, 3]
    private static let ones: [Float] = [1, 1]

    private func replicas(_ devices: [Int], store: ExecutableStore? = nil) throws -> [RecordingBackend] {
        RecordingBackend.replicas(
            try #require(TestPlugin.client), devices: devices,
            settings: CompilationSettings(options: TestPlugin.options, store: store))
    }

    /// What each replica gives, each on a thread of its own; nil after an error.
    private func onEach<Value: Sendable>(
        _ backends: [RecordingBackend], _ body: @escaping @Sendable (RecordingBackend, Int) throws -> Value
    ) -> [Result<Value, any Error>] {
        // SAFETY: written under the lock, and read once all have left.
        nonisolated(unsafe) var results = [Result<Value, any Error>?](repeating: nil, count: backends.count)
        let lock = NSLock(), left = DispatchGroup()
        for (number, backend) in backends.enumerated() {
            left.enter()
            let thread = Thread {
                let result = Result { try body(backend, number) }
                lock.withLock { results[number] = result }
                left.leave()
            }
            thread.stackSize = 16 << 20
            thread.start()
        }
        left.wait()
        return results.compactMap { $0 }
    }

    @Test(
        "sums have the elements of all, in one program that is compiled once",
        arguments: [[0, 1], [3, 1, 2], [0, 1, 2, 3]])
    func sums(devices: [Int]) throws {
        let backends = try replicas(devices), count = devices.count
        let results = onEach(backends) { backend, number -> [[Float]] in
            try (0..<5).map { round in
                let own: [Float] = [Float(number), Float(round), 1]
                let x = backend.tensor(own, [3]), y = backend.empty([3])
                backend.add(x, x, into: y)
                backend.submit()
                backend.sumOverReplicas(y.range(0, 2))
                backend.multiply(y, y, into: y)
                try backend.synchronize()
                return backend.floats(y)
            }
        }
        let numbers = Float((0..<count).reduce(0, +)), all = Float(count)
        for result in results {
            for (round, values) in try result.get().enumerated() {
                let sum = 2 * Float(round) * all
                let expected: [Float] = [4 * numbers * numbers, sum * sum, 4]
                #expect(values == expected)
            }
        }
        // The addition, which `submit` has cut off, and the sum.
        #expect(backends[0].statistics.programs == 2)
    }

    @Test("programs without sums run on each device by itself, small and kept ones")
    func alone() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lam-replicas-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = ExecutableStore(folder: folder.path)
        for isLoaded in [false, true] {
            let backends = try replicas([1, 2], store: store)
            let results = onEach(backends) { backend, number -> [Float] in
                let own: [Float] = [Float(number), 2]
                let x = backend.tensor(own, [2])
                // Replica 1 runs more programs than replica 0; these are long enough to be kept.
                for _ in 0...number {
                    for _ in 0..<300 { backend.add(x, backend.tensor(Self.ones, [2]), into: x) }
                    try backend.synchronize()
                }
                backend.submit()
                backend.sumOverReplicas(x)
                for _ in 0..<300 { backend.add(x, backend.tensor(Self.ones, [2]), into: x) }
                return backend.floats(x)
            }
            // 0 + 300 and 1 + 600; 2 + 300 and 2 + 600; and 300 on their sums.
            let expected: [Float] = [1201, 1204]
            for result in results { #expect(try result.get() == expected) }
            #expect(backends[0].statistics.loads == (isLoaded ? 2 : 0))
        }
    }

    @Test("one device may be another than the first")
    func another() throws {
        let backend = try #require(try replicas([2]).first), x = backend.tensor(Self.small, [3])
        #expect(backend.replicaCount == 1 && backend.summary.contains("device 2"))
        for _ in 0..<300 { backend.add(x, backend.tensor(Self.ones, [2]).range(0, 1), into: x) }
        backend.submit()
        backend.sumOverReplicas(x)
        let expected: [Float] = [301, 302, 303]
        #expect(backend.floats(x) == expected)
        try backend.synchronize()
    }

    @Test("replicas that have recorded different programs are told so, and step together again")
    func differ() throws {
        let backends = try replicas([0, 1])
        let failed = onEach(backends) { backend, number in
            let x = backend.tensor(Self.small, [3])
            if number == 1 { backend.add(x, x, into: x) }
            backend.sumOverReplicas(x)
            try backend.synchronize()
        }
        for result in failed {
            #expect(throws: ReplicaError.self) { try result.get() }
        }
        let sums = onEach(backends) { backend, _ in
            let x = backend.tensor(Self.small, [3])
            backend.sumOverReplicas(x)
            return backend.floats(x)
        }
        for sum in sums { #expect(try sum.get() == [2, 4, 6]) }
    }

    @Test("one that cannot go on ends the waiting of the others")
    func stop() throws {
        let backends = try replicas([0, 1])
        let results = onEach(backends) { backend, number in
            guard number == 0 else { return backend.stopReplicas() }
            let x = backend.tensor(Self.small, [3])
            backend.sumOverReplicas(x)
            try backend.synchronize()
        }
        #expect(throws: ReplicaError.stopped) { try results[0].get() }
    }
}
