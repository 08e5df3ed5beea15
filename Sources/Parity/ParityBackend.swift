import Devices
import Tensor

/// What replays compute on: the CPU, unless `ParityRunner` was given something else for as long as it runs a case. Replays make
/// what they compare deep within, and none of them needs to know.
enum ParityBackend {
    @TaskLocal static var given: (any Backend)?

    static func open() -> any Backend { given ?? Device.open() }
}
