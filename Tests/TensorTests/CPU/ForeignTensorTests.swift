import BackendConformance
import Tensor
import Testing

/// Memory of a backend that there is not.
private final class ElsewhereMemory: DeviceMemory, @unchecked Sendable {}
// SAFETY: it holds nothing.

@Suite("What another backend made")
struct ForeignTensorTests {
    @Test("a tensor of it ends the program with a line that names both backends, the tensor and the remedy")
    func tensor() async throws {
        let ended = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let backend = TestBackend.cpu(threads: 1)
            let foreign = Tensor(memory: ElsewhereMemory(byteCount: 24, of: "Elsewhere"), shape: [2, 3], dtype: .f32)
            backend.add(backend.zeros([2, 3]), foreign, into: backend.zeros([2, 3]))
        }
        // Optimised programs end without a word where a precondition fails.
        #if DEBUG
            let line = String(decoding: ended.standardErrorContent, as: UTF8.self)
            #expect(
                line.contains(
                    "the CPU backend got a f32 tensor [2, 3] of the Elsewhere backend; download it there and upload it here"
                ),
                "\(line)")
        #endif
    }

    @Test("the operand of a convolution ends it likewise")
    func filter() async throws {
        let ended = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let backend = TestBackend.cpu(threads: 1)
            let foreign = ConvolutionFilter(shape: [1, 1, 1, 1, 1], precision: .f32, storage: "elsewhere")
            let frames = backend.convolutionFrames(
                backend.zeros([1, 1, 1, 1]), gamma: nil, activates: false, precision: .f32)
            backend.convolve(
                frames, with: foreign, ConvolutionSampling(), residual: nil, into: backend.zeros([1, 1, 1, 1]))
        }
        #if DEBUG
            let line = String(decoding: ended.standardErrorContent, as: UTF8.self)
            #expect(line.contains("the CPU backend got String where it needs its own"), "\(line)")
        #endif
    }
}
