/// Packet tables of videos, shared by the readers of one process.
public final class VideoIndexCache: Sendable {
    public init() {}
}
