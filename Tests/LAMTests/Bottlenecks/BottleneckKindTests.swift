import BackendConformance
import LAM
import NN
import Randomness
import Tensor
import Testing

/// What each kind of bottleneck gives in training and in an evaluation.
@Suite struct BottleneckKindTests {
    private let backend = TestBackend.cpu(threads: 2)

    private struct Made {
        let bottleneck: any LatentBottleneck
        let store: ParameterStore
    }

    private func made(
        _ name: String, width: Int = 6, codes: Int = 10, _ change: (inout BottleneckChoice) -> Void = { _ in }
    ) throws -> Made {
        var choice = BottleneckChoice(try #require(BottleneckKind.named(name)))
        change(&choice)
        let store = ParameterStore(backend: backend)
        let width = choice.latentWidth(modelWidth: width)
        let bottleneck = choice.make(BottleneckSite(store.root("vq"), latentWidth: width, codes: codes))
        store.allocate(seed: 5)
        var generator = RandomGenerator(seed: 6, purpose: "start")
        let latents = Samples.floats(40 * width, "latents")
        bottleneck.begin(latents: bottleneck.beginsFromLatents ? latents : [], backend: backend, &generator)
        return Made(bottleneck: bottleneck, store: store)
    }

    private static let names = BottleneckKind.all.map(\.name)

    @Test("an evaluation is the same whenever it is made, and changes nothing", arguments: names)
    func evaluation(name: String) throws {
        let made = try made(name)
        let width = made.bottleneck.latentWidth
        let emb = backend.sample([4, 3, width], "emb")
        let before = made.store.parameters.map { backend.floats($0.value) }
        let outputs = (0..<2).map { _ in made.bottleneck(emb, nil, Tape(on: backend, recording: false)) }
        #expect(backend.floats(outputs[0].zQ) == backend.floats(outputs[1].zQ))
        #expect(made.bottleneck.takeStatistics() == nil)
        #expect(made.store.parameters.map { backend.floats($0.value) } == before)
        // What labels hold is what the decoder gets.
        let (z, zQ) = (backend.floats(outputs[0].z), backend.floats(outputs[0].zQ))
        #expect(zip(z, zQ).allSatisfy { abs($0 - $1) < 1e-6 })
        #expect(outputs[0].z.shape == [4, 3, width] && outputs[0].losses.count == made.bottleneck.lossNames.count)
        #expect((outputs[0].indices == nil) == (made.bottleneck.codeCount == nil))
        if let indices = outputs[0].indices {
            let looked = made.bottleneck.latents(of: indices, Tape(on: backend, recording: false))
            #expect(backend.floats(looked) == z)
        }
    }

    @Test("a sample's noise depends neither on its batch nor on the other samples", arguments: names)
    func noise(name: String) throws {
        let made = try made(name)
        let width = made.bottleneck.latentWidth
        let values = Samples.floats(4 * 3 * width, "emb")
        func given(_ samples: [Int]) -> [Float] {
            let emb = backend.tensor(
                samples.flatMap { values[$0 * 3 * width..<($0 + 1) * 3 * width] }, [samples.count, 3, width])
            let pass = TrainingPass(step: 0, seed: 9, samples: samples)
            return backend.floats(made.bottleneck(emb, pass, Tape(on: backend, recording: false)).zQ)
        }
        #expect(given([0, 1, 2, 3]) == given([0, 1]) + given([2, 3]))
        let isRandom =
            given([0, 1])
            != backend.floats(
                made.bottleneck(
                    backend.tensor(Array(values[..<(2 * 3 * width)]), [2, 3, width]), nil,
                    Tape(on: backend, recording: false)
                ).zQ)
        #expect(isRandom == ["nsvq", "vae"].contains(name))
    }

    @Test("gradients of latents and parameters agree with differences", arguments: ["vae", "ae"])
    func gradients(name: String) throws {
        let made = try made(name) { if name == "vae" { $0["beta"] = .number(0.5) } }
        let values = Samples.floats(4 * 3 * 6, "emb")
        let weights = Samples.floats(4 * 3 * 6, "weights")
        let pass = TrainingPass(step: 0, seed: 9, samples: [0, 1, 2, 3])
        func loss(_ tape: Tape, _ emb: Tensor) -> Tensor {
            let output = made.bottleneck(emb, pass, tape)
            let weighted = tape.rowProducts(output.zQ, backend.tensor(weights, output.zQ.shape), rows: 1)
            return tape.weightedSum([(weighted.reshaped([]), 1)] + output.losses)
        }
        func value() -> Double {
            Double(backend.floats(loss(Tape(on: backend, recording: false), backend.tensor(values, [4, 3, 6])))[0])
        }
        let tape = Tape(on: backend, recording: true)
        tape.backward(from: loss(tape, backend.tensor(values, [4, 3, 6])))
        for parameter in made.store.trainable {
            let gradient = backend.floats(try #require(parameter.gradient))
            let start = backend.floats(parameter.value)
            for element in [0, gradient.count - 1] {
                func at(_ step: Float) -> Double {
                    var moved = start
                    moved[element] += step
                    moved.withUnsafeBytes { backend.upload($0, to: parameter.value) }
                    defer { start.withUnsafeBytes { backend.upload($0, to: parameter.value) } }
                    return value()
                }
                let difference = (at(0.03125) - at(-0.03125)) / 0.0625
                #expect(
                    abs(difference - Double(gradient[element])) < 5e-3 * max(1, abs(difference)),
                    "\(parameter.name)[\(element)]: \(gradient[element]), differences \(difference)")
            }
        }
    }

    @Test("noise takes the place of rounding at its length, and an evaluation gives the code")
    func substitution() throws {
        for diveq in [false, true] {
            let made = try made("nsvq") { $0["diveq"] = .flag(diveq) }
            let emb = backend.sample([4, 3, 6], "emb")
            let tape = Tape(on: backend, recording: false)
            let training = made.bottleneck(emb, TrainingPass(step: 0, seed: 1, samples: [0, 1, 2, 3]), tape)
            let noise = backend.floats(tape.lengths(tape.difference(training.zQ, emb)))
            let rounding = backend.floats(tape.lengths(tape.difference(training.z, emb)))
            #expect(zip(noise, rounding).allSatisfy { abs($0 - $1) < 1e-5 })
            let away = backend.floats(tape.lengths(tape.difference(training.zQ, training.z)))
            // DiVeQ's noise turns the way to the code only a little.
            #expect(zip(away, rounding).allSatisfy { diveq ? $0 < 0.5 * $1 + 0.05 : $0 > 0 })
        }
    }

    @Test("averages follow the latents of a code, once a step, whatever the batches")
    func averages() throws {
        let values = Samples.floats(8 * 3 * 6, "emb")
        func trained(_ batches: [Range<Int>]) throws -> [[Float]] {
            let ema = try made("ema")
            for batch in batches {
                let emb = backend.tensor(
                    Array(values[batch.lowerBound * 18..<batch.upperBound * 18]), [batch.count, 3, 6])
                _ = ema.bottleneck(
                    emb, TrainingPass(step: 0, seed: 1, samples: Array(batch)), Tape(on: backend, recording: true))
            }
            let statistics = try #require(ema.bottleneck.takeStatistics())
            #expect(ema.bottleneck.takeStatistics() == nil)
            ema.bottleneck.absorb(statistics, on: backend)
            return ema.store.parameters.map { backend.floats($0.value) }
        }
        let (whole, parts) = (try trained([0..<8]), try trained([0..<4, 4..<8]))
        for (a, b) in zip(whole, parts) { #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-6 }) }
        let ema = try made("ema")
        #expect(ema.store.trainable.isEmpty && ema.bottleneck.usage.count == 10)
    }

    @Test("a codebook starts from the batch's latents, and a centre without any stays")
    func start() throws {
        let latents: [Float] = [0, 0, 0, 1, 10, 10, 10, 11]
        let centres = Codebook.centres(
            of: latents, width: 2, count: 2, repeating: [], order: [0, 2, 1, 3], steps: 10, emptyBecomeZero: false)
        #expect(centres == [0, 0.5, 10, 10.5])
        for zero in [false, true] {
            let same = Codebook.centres(
                of: [3, 4], width: 2, count: 2, repeating: [0], order: [0, 1], steps: 3, emptyBecomeZero: zero)
            #expect(same == (zero ? [3, 4, 0, 0] : [3, 4, 3, 4]))
        }
        let started = try made("nsvq") { $0["start"] = .choice("kmeans") }
        let rows = backend.floats(
            try #require(started.store.parameters.first { $0.name == "vq.codebook.weight" }).value)
        #expect(rows.contains { abs($0) > 0.1 }, "rows within ±1/K are those that were drawn")
    }

    @Test("LaWAM's restart replaces two of the least used codes by copies of codes in use")
    func restart() throws {
        let made = try made("vq")
        made.bottleneck.usage = [0, 50, 3, 0, 20, 0, 9, 9, 9, 9]
        var generator = RandomGenerator(seed: 2, purpose: "restart")
        let codebook = try #require(made.store.parameters.first)
        let before = backend.floats(codebook.value)
        let replaced = made.bottleneck.restartDeadCodes(
            .lawam, latents: [], optimizer: nil, backend: backend, &generator)
        #expect(replaced == [0, 3])
        let after = backend.floats(codebook.value)
        for code in replaced {
            let row = after[code * 6..<(code + 1) * 6]
            let isCopy = [1, 2, 4, 6, 7, 8, 9].contains { source in
                zip(row, before[source * 6..<(source + 1) * 6]).allSatisfy { abs($0 - $1) < 1e-6 }
            }
            #expect(isCopy)
        }
        #expect(made.bottleneck.usage == [Float](repeating: 0, count: 10))
    }

    @Test("choices know their options, and are equal by value")
    func choices() throws {
        let vae = BottleneckChoice(try #require(BottleneckKind.named("vae")))
        var other = vae
        #expect(other == vae && vae["beta"] == .number(5e-5))
        other["beta"] = .number(1)
        #expect(other != vae && other["beta"] == .number(1))
        let fsq = BottleneckChoice(try #require(BottleneckKind.named("fsq")))
        #expect(fsq.latentWidth(modelWidth: 32) == 3 && vae.latentWidth(modelWidth: 32) == 32)
        #expect(BottleneckKind.all.filter { !$0.hasCodes }.map(\.name) == ["vae", "ae"])
        #expect(BottleneckKind.all.filter(\.hasCodebook).map(\.name) == ["vq", "nsvq", "ema"])
        for kind in BottleneckKind.all {
            for option in kind.options { #expect(option.allows(option.initial), "\(kind.name).\(option.name)") }
        }
    }
}
