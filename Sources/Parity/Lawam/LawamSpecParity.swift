import Devices
import Foundation
import LAM
import NN

/// Case `lawam_spec`: names and shapes of the model that LeRobot's policy has by default, its vision encoder included.
struct LawamSpecParity {
    let folder: String

    private struct Specification: Decodable {
        let trainable: Int
        let shapes: [String: [Int]]
    }

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        let path = folder + "/lerobot_default_state_dict.json"
        let expected: Specification
        do {
            expected = try JSONDecoder().decode(
                Specification.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw ParityError.badConfig(path: path, key: "shapes")
        }
        guard let vae = BottleneckKind.named("vae") else { throw ParityError.badConfig(path: path, key: "vae") }
        var options = LawamOptions(
            dim: 1024, heads: 16, ffnFactor: 4, encLayers: 24, decLayers: 12, codeDim: 32,
            bottleneck: BottleneckChoice(vae))
        (options.maxStateDim, options.embodiments) = (14, 32)
        let encoder = VisionTransformerSizes.vitB16
        // Declared, not allocated: only names and shapes are compared.
        let store = ParameterStore(backend: Device.open())
        _ = LawamModel(store.root, featureWidth: encoder.width, options)
        var own = Dictionary(uniqueKeysWithValues: store.parameters.map { ($0.name, $0.shape) })
        for (name, shape) in HuggingFaceDINOv3.shapes(encoder) { own["vision_encoder.model.\(name)"] = shape }
        for (name, shape) in expected.shapes.sorted(by: { $0.key < $1.key }) {
            report.check(
                name, own[name] == shape, otherwise: "expected \(shape), got \(own[name].map { "\($0)" } ?? "none")")
        }
        for name in own.keys.sorted() where expected.shapes[name] == nil {
            report.check(name, false, otherwise: "the reference has no such tensor")
        }
        report.check(
            "trained parameters", store.trainableCount == expected.trainable,
            otherwise: "\(store.trainableCount), expected \(expected.trainable)")
        return report
    }
}
