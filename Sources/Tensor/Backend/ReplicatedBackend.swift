/// One of several backends that run the same programs side by side, each on a device of its own.
///
/// Each is driven by a thread of its own, and all are asked for the same operations in the same order, on tensors of equal
/// shapes with elements of their own. Some may be asked for more than others before all have begun what came before with
/// `submit`.
public protocol ReplicatedBackend: DeferredBackend {
    /// How many there are; 1 where this one is alone.
    var replicaCount: Int { get }
    /// Replaces the tensor's elements by their sums over all replicas, which have the same bits on each.
    func sumOverReplicas(_ x: Tensor)
}
