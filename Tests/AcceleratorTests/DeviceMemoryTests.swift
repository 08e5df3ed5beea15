import Accelerator
import AcceleratorTestSupport
import BackendConformance
import Foundation
import PJRT
import StableHLO
import Tensor
import Testing

@Suite(
    "Memory and errors of a plugin's device", .serialized,
    .enabled(if: TestPlugin.isThere, "the CPU plugin was not fetched: bash scripts/accelerator.sh cpu"))
struct DeviceMemoryTests {
    private func device() throws -> RecordingBackend {
        RecordingBackend(
            try #require(TestPlugin.client), settings: CompilationSettings(options: TestPlugin.options))
    }

    @Test("parameters, moments and averages stay where they are while they change")
    func donation() throws {
        let backend = try device(), training = SmallTraining(.stage1, on: backend)
        _ = try training.step(1, keepsGradients: false)
        let state = [training.store.values, training.optimizer.expAvg, training.optimizer.expAvgSq]
        let addresses = try state.map { try backend.address(of: $0) }
        for number in 2...6 { _ = try training.step(number, keepsGradients: false) }
        #expect(try state.map { try backend.address(of: $0) } == addresses)
    }

    @Test("what was filled or never written is read as that, whole and in part")
    func constants() throws {
        let backend = try device()
        for count in [5, 1000, 400_000] {
            let filled = backend.empty([count]), zeros = backend.zeros([count])
            backend.fill(filled, with: 1.5)
            #expect(backend.floats(filled).allSatisfy { $0 == 1.5 })
            #expect(backend.floats(filled.range(1, count - 2)).allSatisfy { $0 == 1.5 })
            #expect(backend.floats(zeros).allSatisfy { $0 == 0 })
            try backend.synchronize()
            #expect(backend.floats(zeros.range(count / 2, 2)) == [0, 0])
        }
    }

    @Test("hundreds of steps take no more memory than a few")
    func growth() throws {
        let backend = try device(), value = backend.sample([10_000], "value")
        func run(_ steps: Int) throws {
            for _ in 0..<steps {
                let batch = backend.sample([10_000], "batch"), sum = backend.empty([], .f64)
                backend.add(value, batch, into: value)
                backend.sumOfSquares(value, into: sum)
                _ = try backend.readback([sum]).values()
            }
        }
        try run(50)
        let before = residentBytes()
        try run(500)
        // 500 batches alone are 20 MB.
        #expect(residentBytes() - before < 8 << 20)
    }

    private func residentBytes() -> Int {
        let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
    }

    @Test("memory that is not there is thrown where the host waits, and the device goes on")
    func outOfMemory() throws {
        let backend = try device()
        let huge = backend.empty([1 << 44]), sum = backend.empty([], .f64)
        backend.fill(huge, with: 1)
        let row = backend.sample([1 << 20], "row")
        backend.add(huge, row, into: huge)
        backend.sumOfSquares(row, into: sum)
        let readback = backend.readback([sum])
        let error = #expect(throws: PJRTError.self) { try readback.values() }
        #expect(error?.isOutOfMemory == true, "\(String(describing: error))")
        try backend.synchronize()
        let x = backend.sample([8], "x")
        backend.add(x, x, into: x)
        #expect(backend.floats(x) == Samples.floats(8, "x").map { 2 * $0 })
    }

    @Test("a program that the compiler refuses is thrown where the host waits")
    func compileError() throws {
        let flags = CompileOptions(flags: ["xla_no_such_flag": .boolean(true)])
        let backend = RecordingBackend(
            try #require(TestPlugin.client), settings: CompilationSettings(options: flags))
        let x = backend.sample([8], "x")
        backend.add(x, x, into: x)
        #expect(throws: PJRTError.self) { try backend.synchronize() }
        try backend.synchronize()
    }
}
