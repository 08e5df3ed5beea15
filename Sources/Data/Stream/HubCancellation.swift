import DataCore

extension Error {
    /// Whether this ends a wait for the hub that nobody wants any more, by itself or as the cause of a batch's failure.
    public var isHubCancellation: Bool {
        switch self as any Error {
        case DataError.hub(.cancelled): true
        case StreamError.unreadableFrames(_, _, _, let cause): cause.isHubCancellation
        default: false
        }
    }
}
