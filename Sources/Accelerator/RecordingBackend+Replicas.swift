import PJRT
import StableHLO
import Tensor

extension RecordingBackend: ReplicatedBackend {
    /// Backends for some devices of a client, which run what sums over replicas together.
    ///
    /// - Parameters:
    ///   - devices: places among the client's devices.
    ///   - settings: how programs are compiled, once for all.
    ///   - usesTF32: whether products of f32 may be made with whatever the device is fastest at, which is TF32 on NVIDIA's GPUs.
    public static func replicas(
        _ client: Client, devices: [Int], settings: CompilationSettings = CompilationSettings(),
        usesTF32: Bool = false
    ) -> [RecordingBackend] {
        let precision = usesTF32 ? Precision.fast : .exact
        let own = devices.map { client.devices[$0] }
        let compiler = Compiler(client, own, settings)
        guard own.count > 1 else { return [RecordingBackend(compiler, own[0], replica: nil, precision: precision)] }
        let replicas = Replicas(compiler)
        return own.enumerated().map { number, device in
            RecordingBackend(compiler, device, replica: (replicas, number), precision: precision)
        }
    }

    public func submit() { locked { $0.flush() } }

    public var hasFailed: Bool { locked { $0.hasFailed } }

    public func sumOverReplicas(_ x: Tensor) {
        guard replicaCount > 1 else { return }
        record { r in r.write(r.function.allReduce(r.read(x), replicas: replicaCount), to: x) }
    }

    /// Ends the waiting of the other replicas: this one cannot go on.
    public func stopReplicas() { replicas?.stop() }
}
