import Devices
import Foundation
import LAMTrain
import Tensor

/// GPUs and TPUs, and the plugins through which they are reached.
struct AcceleratorCheck {
    let environment: [String: String]

    func findings() -> [Finding] {
        let plugins = PluginLocator(environment)
        let found = [DeviceChoice.cuda, .tpu].filter { plugins.path(for: $0) != nil }
        if let named = environment["LAM_PJRT_PLUGIN"], !named.isEmpty, found.isEmpty {
            return [
                .warning(
                    "accelerator", "LAM_PJRT_PLUGIN: no file at \(named)",
                    remedy: "correct the path, or unset it; training takes the CPU")
            ]
        }
        guard let choice = found.first else { return [withoutPlugin] }
        do {
            let backend = try Device.open(choice, threads: nil, environment: environment)
            let rate = ProductCeiling.measure(backend, .bf16, ProductCeiling.brief)
            return [
                .ok("accelerator", "\(backend.summary); \(String(format: "%.0f", rate)) GFLOP/s in small bf16 products")
            ]
        } catch {
            return [
                .warning(
                    "accelerator", "\(error)",
                    remedy: "training takes the CPU; docs/accelerators.md says what is needed")
            ]
        }
    }

    private var withoutPlugin: Finding {
        guard SystemFile.names(in: "/dev").contains(where: { $0.hasPrefix("nvidia") }) else {
            return .ok("accelerator", "none; training takes the CPU")
        }
        return .warning(
            "accelerator", "a device of NVIDIA without a plugin",
            remedy: "fetch one with bash scripts/accelerator.sh cuda13; until then training takes the CPU")
    }
}
