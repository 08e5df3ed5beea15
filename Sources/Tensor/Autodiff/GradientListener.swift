/// Learns while a backward pass runs which gradients of parameters are complete.
///
/// A gradient is complete when `didAdd` was called for it as often as `willAdd`; its elements then are in memory. A
/// gradient that no operation of the pass adds to is never mentioned.
public protocol GradientListener: AnyObject {
    /// An operation of the forward pass will add to `gradient` in the backward pass.
    func willAdd(to gradient: Tensor)
    /// It has done so.
    func didAdd(to gradient: Tensor)
}
