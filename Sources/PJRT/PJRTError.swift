/// What goes wrong with a plugin or what it was asked for.
public enum PJRTError: Error, Equatable, Sendable {
    /// The file is not a library that can be loaded; `reason` is the loader's.
    case notLoaded(path: String, reason: String)
    /// The library is none of PJRT's.
    case notAPlugin(path: String)
    /// The plugin speaks another version of the interface.
    case unsupportedVersion(path: String, version: String, functions: Int)
    /// The plugin was loaded and has no device.
    case noDevice(path: String, platform: String)
    /// The plugin refused what it was asked for, in its own words.
    case failed(operation: String, code: Code, message: String)
    /// The device has not answered in time.
    case timedOut(operation: String, seconds: Double)

    /// Kinds of refusals, those of `absl::StatusCode`.
    public enum Code: Int32, Sendable {
        case cancelled = 1
        case unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied, resourceExhausted
        case failedPrecondition, aborted, outOfRange, unimplemented, `internal`, unavailable, dataLoss, unauthenticated
    }

    /// Whether the device had not enough memory.
    public var isOutOfMemory: Bool {
        if case .failed(_, .resourceExhausted, _) = self { true } else { false }
    }
}

extension PJRTError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notLoaded(let path, let reason):
            "loading a PJRT plugin: \(path): \(reason); name another with LAM_PJRT_PLUGIN, or fetch one with "
                + "scripts/accelerator.sh"
        case .notAPlugin(let path):
            "loading a PJRT plugin: \(path): a library without the function GetPjrtApi; name another with LAM_PJRT_PLUGIN"
        case .unsupportedVersion(let path, let version, let functions):
            "loading a PJRT plugin: \(path): expected version 0.33 or later of major version 0, got \(version) with "
                + "\(functions) functions; fetch a supported one with scripts/accelerator.sh"
        case .noDevice(let path, let platform):
            "opening a device: \(path): the platform \(platform) has none; check its driver"
        case .failed(let operation, let code, let message):
            "\(operation): the plugin says \(code): \(message)"
                + (isOutOfMemory ? "; take a smaller batch, or trainer.precision bf16-mixed" : "")
        case .timedOut(let operation, let seconds):
            "\(operation): no answer from the device in \(Int(seconds)) s; it hangs, or what it does takes that long"
        }
    }
}
