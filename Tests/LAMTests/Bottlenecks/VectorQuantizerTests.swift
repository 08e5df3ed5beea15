import BackendConformance
import LAM
import NN
import Randomness
import Tensor
import Testing

@Suite("Vector quantiser")
struct VectorQuantizerTests {
    private let backend = TestBackend.cpu(threads: 1)

    /// A quantiser of `codes` codes, code `i` being `(i, 10 i)`, and an optimiser whose moments are all one.
    private func quantizer(
        _ codes: Int, counting: CodeUsage = .occurrence
    ) -> (vq: VectorQuantizer, store: ParameterStore, optimizer: AdamW) {
        let store = ParameterStore(backend: backend)
        let vq = VectorQuantizer(store.root("vq"), codes: codes, latentWidth: 2, counting: counting)
        store.allocate(seed: 0)
        (0..<codes).flatMap { [Float($0), Float(10 * $0)] }.withUnsafeBytes {
            backend.upload($0, to: vq.codebook.value)
        }
        let optimizer = AdamW(store, AdamW.Options())
        backend.fill(optimizer.expAvg, with: 1)
        backend.fill(optimizer.expAvgSq, with: 1)
        return (vq, store, optimizer)
    }

    private func rows(_ vq: VectorQuantizer) -> [[Float]] {
        let values = backend.floats(vq.codebook.value)
        return stride(from: 0, to: values.count, by: 2).map { Array(values[$0..<$0 + 2]) }
    }

    @Test("a latent gets the nearest code, the lowest of several equally near")
    func ties() throws {
        let vq = quantizer(3).vq
        ([1, 0, -1, 0, 1, 0] as [Float]).withUnsafeBytes { backend.upload($0, to: vq.codebook.value) }
        let emb = backend.tensor([0, 5, 1, 0, -0.5, 0, 0, 0] as [Float], [1, 4, 2])
        let output = vq(emb, nil, Tape(on: backend, recording: false))
        let indices = try #require(output.indices)
        #expect(backend.int32s(indices) == [0, 0, 1, 0])
        #expect(indices.shape == [1, 4] && output.z.shape == [1, 4, 2])
        #expect(
            backend.floats(vq.latents(of: indices, Tape(on: backend, recording: false))) == backend.floats(output.z))
        #expect(backend.floats(output.z) == [1, 0, 1, 0, -1, 0, 1, 0])
    }

    @Test("usage counts every occurrence, or each code once per sample as the original does")
    func counting() {
        let indices: [Int32] = [0, 0, 1, 0, 2, 2, 2, 2]
        let codes = CodeHistogram(indices, codes: 4)
        let each = quantizer(4).vq
        let once = quantizer(4, counting: .original).vq
        each.count(codes, indices: { indices }, perSample: 4)
        once.count(codes, indices: { indices }, perSample: 4)
        #expect(each.usage == [3, 1, 4, 0])
        #expect(once.usage == [1, 1, 1, 0])
        once.count(codes, indices: { indices }, perSample: 4)
        #expect(once.usage == [2, 2, 2, 0])
    }

    @Test("dead codes move to encoder outputs in the given order and forget their moments")
    func encoderRestart() {
        let (vq, _, optimizer) = quantizer(4)
        vq.usage = [5, 0, 0.5, 1]
        let dead = vq.restartDeadCodes(
            .encoder, latents: [70, 71, 80, 81, 90, 91], optimizer: optimizer, backend: backend, order: [2, 0, 1])
        #expect(dead == [1, 2])
        #expect(rows(vq) == [[0, 0], [90, 91], [70, 71], [3, 30]])
        for moments in [optimizer.expAvg, optimizer.expAvgSq] {
            #expect(backend.floats(moments) == [1, 1, 0, 0, 0, 0, 1, 1])
        }
        #expect(vq.usage == [0, 0, 0, 0])
    }

    @Test("fewer latents than dead codes are used again")
    func fewLatents() {
        let (vq, _, optimizer) = quantizer(4)
        let dead = vq.restartDeadCodes(
            .encoder, latents: [70, 71, 80, 81], optimizer: optimizer, backend: backend, order: [1, 0])
        #expect(dead == [0, 1, 2, 3])
        #expect(rows(vq) == [[80, 81], [70, 71], [80, 81], [70, 71]])
    }

    @Test("the original's restart copies codes as they were, and keeps the moments")
    func originalRestart() {
        let (vq, _, optimizer) = quantizer(4)
        vq.usage = [0, 3, 0, 0]
        // Source 0 is dead and is overwritten first; the copy is of its old value.
        let dead = vq.restartDeadCodes(
            .original, latents: [], optimizer: optimizer, backend: backend, order: [3, 0, 1, 2])
        #expect(dead == [0, 2, 3])
        #expect(rows(vq) == [[3, 30], [1, 10], [0, 0], [1, 10]])
        #expect(backend.floats(optimizer.expAvg).allSatisfy { $0 == 1 })
        #expect(vq.usage == [0, 0, 0, 0])
    }

    @Test("without restart, without dead codes and without latents nothing changes but the record")
    func nothingToDo() {
        for (rule, usage) in [(CodeRestart.none, Float(0)), (.original, 1), (.encoder, 1), (.encoder, 0)] {
            let (vq, _, optimizer) = quantizer(3)
            let before = rows(vq)
            vq.usage = [usage, usage, usage]
            var generator = RandomGenerator(seed: 1, purpose: "restart")
            let dead = vq.restartDeadCodes(
                rule, latents: [], optimizer: optimizer, backend: backend, &generator)
            #expect(dead.isEmpty && rows(vq) == before && vq.usage == [0, 0, 0])
        }
    }

    @Test("the order of sources is the generator's")
    func deterministicOrder() {
        func restarted(_ seed: UInt64) -> [[Float]] {
            let (vq, _, optimizer) = quantizer(16)
            var generator = RandomGenerator(seed: seed, purpose: "restart")
            _ = vq.restartDeadCodes(
                .encoder, latents: (0..<64).map(Float.init), optimizer: optimizer, backend: backend, &generator)
            return rows(vq)
        }
        #expect(restarted(4) == restarted(4))
        #expect(restarted(4) != restarted(5))
        // Every source is a whole latent, and no latent is taken twice while there are others.
        let taken = restarted(4)
        #expect(taken.allSatisfy { $0[0].truncatingRemainder(dividingBy: 2) == 0 && $0[1] == $0[0] + 1 })
        #expect(Set(taken).count == 16)
    }
}
