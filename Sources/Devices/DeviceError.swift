/// What keeps a device from being used.
public enum DeviceError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No plugin for it was found.
    case noPlugin(DeviceChoice, searched: [String])
    /// The plugin or its driver refused.
    case notOpened(DeviceChoice, reason: String)
    /// The plugin is for other devices.
    case otherPlatform(DeviceChoice, path: String, platform: String)
    /// There are fewer devices than were asked for.
    case notSoMany(DeviceChoice, wanted: Int, got: Int)
    /// The device does not multiply in TF32.
    case noTF32(platform: String)
    /// `LAM_INSTRUCTION_SET` names kernels that this processor does not run.
    case noInstructionSet(String, available: [String])

    public var description: String {
        switch self {
        case .noPlugin(let choice, let searched):
            "no device \(choice.rawValue): expected a PJRT plugin for it, found none as \(Self.list(searched)); "
                + "fetch one with bash scripts/accelerator.sh \(choice.plugin), name one with LAM_PJRT_PLUGIN=/path, or take cpu"
        case .notOpened(let choice, let reason): "no device \(choice.rawValue): \(reason)"
        case .otherPlatform(let choice, let path, let platform):
            "no device \(choice.rawValue): \(path): expected a plugin for it, got one for \(platform); name another with "
                + "LAM_PJRT_PLUGIN, or take cpu"
        case .noTF32(let platform):
            "no products in tf32: expected an NVIDIA GPU, got \(platform); set trainer.precision to 32-true or bf16-mixed"
        case .noInstructionSet(let name, let available):
            "LAM_INSTRUCTION_SET: expected what this processor runs (\(available.joined(separator: ", "))), got \(name); "
                + "name one of these, or unset it for the fastest"
        case .notSoMany(let choice, let wanted, let got):
            "not so many devices \(choice.rawValue): expected \(wanted), got \(got); lower trainer.devices, or look at what "
                + "hides some, such as CUDA_VISIBLE_DEVICES"
        }
    }

    /// The first places, and how many there are.
    private static func list(_ paths: [String]) -> String {
        paths.prefix(2).joined(separator: ", ") + (paths.count > 2 ? " or in \(paths.count - 2) more places" : "")
    }
}
