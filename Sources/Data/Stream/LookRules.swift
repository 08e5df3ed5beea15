import Datasets
import Video

extension StreamOptions {
    /// How the pictures of datasets whose name contains `pattern` are turned; or of one camera, where it is in
    /// `NAME/CAMERA`.
    public struct Flip: NameRule {
        public var pattern: String
        public var orientation: FrameOrientation

        public init(pattern: String, orientation: FrameOrientation) {
            (self.pattern, self.orientation) = (pattern, orientation)
        }
    }

    /// Which of red and blue stored pictures have first; patterns as of `Flip`.
    public struct Channels: NameRule {
        public var pattern: String
        public var order: ChannelOrder

        public init(pattern: String, order: ChannelOrder) {
            (self.pattern, self.order) = (pattern, order)
        }
    }

    /// Takes the episodes of one list of `/mask` (robomimic's filter key) from the HDF5 datasets whose name contains
    /// `pattern`.
    public struct FilterKey: NameRule {
        public var pattern: String
        public var key: String

        public init(pattern: String, key: String) {
            (self.pattern, self.key) = (pattern, key)
        }
    }

    /// The distances of depth cameras that become 0 … 255; patterns as of `Flip`.
    public struct DepthRange: NameRule {
        /// Empty: all datasets.
        public var pattern: String
        public var minimum: Double
        public var maximum: Double

        public init(pattern: String = "", minimum: Double, maximum: Double) {
            (self.pattern, self.minimum, self.maximum) = (pattern, minimum, maximum)
        }
    }

    /// What these options say of one camera's pictures; nil where they say nothing.
    func look(of camera: Camera, in dataset: String) -> (
        flip: FrameOrientation?, order: ChannelOrder?, range: ClosedRange<Double>?
    ) {
        let name = "\(dataset)/\(camera.key)"
        let range = depth.first { !$0.pattern.isEmpty && [$0].first(for: name) != nil } ?? depth.first(for: name)
        return (
            flips.first(for: name)?.orientation, channelOrders.first(for: name)?.order,
            range.map { $0.minimum...max($0.minimum, $0.maximum) }
        )
    }
}
