/// A device that a run can be asked to compute on.
public enum DeviceChoice: String, Sendable, CaseIterable {
    /// An accelerator that is there, or the CPU.
    case auto
    case cpu
    /// The same as `cuda`.
    case gpu
    case cuda
    case tpu
    /// The CPU through its PJRT plugin: for tests of everything that accelerators share.
    case pjrtCPU = "pjrt-cpu"

    /// How plugins call their platforms.
    var platforms: [String] {
        switch self {
        case .gpu, .cuda: ["cuda", "gpu"]
        case .tpu: ["tpu"]
        case .pjrtCPU: ["cpu", "host"]
        case .auto: ["cuda", "gpu", "tpu"]
        case .cpu: []
        }
    }

    /// What `scripts/accelerator.sh` calls the plugin.
    var plugin: String {
        switch self {
        case .tpu: "tpu"
        case .pjrtCPU: "cpu"
        case .auto, .cpu, .gpu, .cuda: "cuda13"
        }
    }
}
