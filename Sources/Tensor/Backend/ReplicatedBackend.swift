/// One of several backends that run the same programs side by side, each on a device of its own.
///
/// Each is driven by a thread of its own, and all are asked for the same operations in the same order, on tensors of equal
/// shapes with elements of their own.
public protocol ReplicatedBackend: Backend {
    /// How many there are; 1 where this one is alone.
    var replicaCount: Int { get }
    /// Begins anew what all replicas do alike: some may have been asked for more than others before.
    func align()
    /// Replaces the tensor's elements by their sums over all replicas, which have the same bits on each.
    func sumOverReplicas(_ x: Tensor)
}
