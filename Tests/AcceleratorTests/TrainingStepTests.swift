import Accelerator
import AcceleratorTestSupport
import BackendConformance
import PJRT
import Tensor
import Testing

@Suite(
    "Training steps on a plugin's device", .serialized,
    .enabled(if: TestPlugin.isThere, "the CPU plugin was not fetched: bash scripts/accelerator.sh cpu"))
struct TrainingStepTests {
    /// The goldens' tolerances: of losses; of gradients, absolute and relative to the largest; of parameters after ten steps.
    private static let losses = 5e-6
    private static let gradients = (absolute: 1e-6, relative: 1e-4)
    private static let parameters = 1e-4
    /// In bf16, where codes flip between equally near ones: of losses, and of all gradients and parameters by their length.
    private static let mixed = (losses: 1e-2, gradients: 0.1, parameters: 0.02)

    private func device() throws -> RecordingBackend {
        RecordingBackend(try #require(TestPlugin.client), settings: CompilationSettings(options: TestPlugin.options))
    }

    private func values(_ training: SmallTraining, averaged: Bool) -> [(name: String, values: [Float])] {
        training.store.trainable.map { parameter in
            let tensor = averaged ? training.average.value(of: parameter) : parameter.value
            return (parameter.name, training.backend.floats(tensor))
        }
    }

    /// Length of the difference over the length.
    private func distance(_ a: [Float], _ b: [Float]) -> Double {
        func squares(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) * Double($1) } }
        return (squares(zip(a, b).map { $0 - $1 }) / squares(b)).squareRoot()
    }

    private func expectClose(
        _ got: [(name: String, values: [Float])], _ expected: [(name: String, values: [Float])], absolute: Double,
        relative: Double, _ what: String
    ) {
        for (a, b) in zip(got, expected) {
            let largest = Double(b.values.reduce(0) { max($0, abs($1)) })
            let difference = zip(a.values, b.values).reduce(0.0) { max($0, abs(Double($1.0) - Double($1.1))) }
            let fits = a.name == b.name && a.values.count == b.values.count
            #expect(
                fits && difference <= absolute + relative * largest, "\(what) \(b.name): \(difference) of \(largest)")
        }
    }

    @Test("loss, every gradient and ten AdamW steps are the CPU backend's", arguments: SmallTraining.Kind.allCases)
    func equalsCPU(kind: SmallTraining.Kind) throws {
        let cpu = SmallTraining(kind, on: TestBackend.cpu(instructionSet: .portable))
        let device = SmallTraining(kind, on: try device())
        for number in 1...10 {
            let (expected, got) = (try cpu.step(number), try device.step(number))
            #expect(abs(got.loss - expected.loss) <= Self.losses, "step \(number): \(got.loss) for \(expected.loss)")
            #expect(abs(got.norm - expected.norm) <= Self.losses * max(1, expected.norm), "step \(number)")
            #expect(got.codes == expected.codes, "step \(number)")
            guard number == 1 else { continue }
            expectClose(
                got.gradients, expected.gradients, absolute: Self.gradients.absolute,
                relative: Self.gradients.relative, "gradient of")
        }
        for averaged in [false, true] {
            expectClose(
                values(device, averaged: averaged), values(cpu, averaged: averaged), absolute: 0,
                relative: Self.parameters, averaged ? "average of" : "value of")
        }
    }

    @Test("bf16-mixed is the CPU backend's within its rounding", arguments: SmallTraining.Kind.allCases)
    func mixedEqualsCPU(kind: SmallTraining.Kind) throws {
        let cpu = SmallTraining(kind, autocast: .bf16, on: TestBackend.cpu(instructionSet: .portable))
        let device = SmallTraining(kind, autocast: .bf16, on: try device())
        for number in 1...10 {
            let (expected, got) = (try cpu.step(number), try device.step(number))
            #expect(abs(got.loss - expected.loss) <= Self.mixed.losses, "step \(number): \(got.loss), \(expected.loss)")
            guard number == 1 else { continue }
            let gradients = distance(got.gradients.flatMap(\.values), expected.gradients.flatMap(\.values))
            #expect(gradients <= Self.mixed.gradients)
        }
        let parameters = distance(
            values(device, averaged: false).flatMap(\.values), values(cpu, averaged: false).flatMap(\.values))
        #expect(parameters <= Self.mixed.parameters)
    }

    @Test("activations that are made again change no loss")
    func checkpoints() throws {
        let kept = SmallTraining(.stage1, on: try device())
        let again = SmallTraining(.stage1, checkpoints: true, on: try device())
        for number in 1...3 {
            let (a, b) = (try kept.step(number), try again.step(number))
            #expect(abs(a.loss - b.loss) <= Self.losses && abs(a.norm - b.norm) <= Self.losses * a.norm)
        }
    }

    @Test("a step is one program, compiled once, and its state stays where it is")
    func oneProgram() throws {
        let backend = try device(), training = SmallTraining(.language, on: backend)
        // The average begins with a copy.
        try backend.synchronize()
        _ = try training.step(1, keepsGradients: false)
        let before = backend.statistics
        for number in 2...6 { _ = try training.step(number, keepsGradients: false) }
        let after = backend.statistics
        #expect(after.programs == before.programs)
        #expect(after.runs == before.runs + 5)
    }
}
