/// A backend that computes while the host goes on.
public protocol DeferredBackend: Backend {
    /// Begins to compute what was asked for, and waits for nothing.
    func submit()
    /// Whether anything has gone wrong so far of which the host has not been told.
    var hasFailed: Bool { get }
}
