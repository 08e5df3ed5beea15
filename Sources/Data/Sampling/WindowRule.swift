import Randomness

/// The option `data.window`: how many frames a pair spans.
public enum WindowOption: Sendable, Hashable, CustomStringConvertible {
    /// By the dataset's name, else by its frame rate; drawn anew for every sample.
    case auto
    /// The original's rule: by the name alone, drawn once per stream and dataset.
    case original
    /// The same number of frames for every dataset, at least 2.
    case fixed(Int)

    /// Reads the spelling of a configuration file: `auto`, `original` or a number.
    public init?(_ text: String) {
        switch text {
        case "auto": self = .auto
        case "original": self = .original
        default:
            guard let frames = Int(text) else { return nil }
            self = .fixed(frames)
        }
    }

    public var description: String {
        switch self {
        case .auto: "auto"
        case .original: "original"
        case .fixed(let frames): "\(frames)"
        }
    }
}

/// How many frames a pair of one dataset spans: the pair is frame `t` and frame `t + k - 1`, `k` uniform in `frames`.
///
/// The names are the original's (SPEC_LEROBOT §7), the frame rates the ones that it gives as the reason for its lists:
/// a step should last about as long whatever the camera's rate.
public struct WindowRule: Sendable, Hashable {
    /// Smallest and largest number of frames, both included.
    public let frames: ClosedRange<Int>

    /// - Parameters:
    ///   - name: The dataset's name as the mix spells it.
    ///   - fps: Frames per second, for names that match no list; `nil` goes by names only.
    public init(name: String, fps: Double?) {
        if let listed = Self.byName(name) {
            frames = listed
        } else if let fps, (3...5).contains(fps) {
            frames = Self.low
        } else if let fps, (15...30).contains(fps) {
            frames = Self.high
        } else {
            frames = 10...10
        }
    }

    /// The rule that an option gives for a dataset.
    ///
    /// - Parameters:
    ///   - seed: Seed of the stream; `dataset` is the dataset's place in the mix. Only `original` draws here.
    public init(option: WindowOption, name: String, fps: Double, seed: UInt64, dataset: Int) {
        switch option {
        case .auto:
            self.init(name: name, fps: fps)
        case .original:
            var generator = RandomGenerator(seed: seed, purpose: "window", dataset)
            let drawn = generator.integer(in: WindowRule(name: name, fps: nil).frames)
            self.init(frames: drawn...drawn)
        case .fixed(let count):
            self.init(frames: count...count)
        }
    }

    /// Pairs whose frames are as many seconds apart, to the next frame, but at least one frame.
    ///
    /// - Parameter roundsToEven: what becomes of half a frame; otherwise it counts as a whole one.
    public init(seconds: Double, fps: Double, roundsToEven: Bool = false) {
        let rounded = (seconds * fps).rounded(roundsToEven ? .toNearestOrEven : .toNearestOrAwayFromZero)
        let apart = max(1, Int(min(rounded, 1e9)))
        frames = apart + 1...apart + 1
    }

    private init(frames: ClosedRange<Int>) { self.frames = frames }

    /// A window that fits into `available` frames, uniform among those that do; `nil` if none does.
    public func draw(available: Int = .max, using generator: inout RandomGenerator) -> Int? {
        guard available >= frames.lowerBound else { return nil }
        return generator.integer(in: frames.lowerBound...min(frames.upperBound, available))
    }

    private static let low = 3...5
    private static let high = 15...20

    private static let lowNames = [
        "fractal20220817_data", "toto", "berkeley_autolab_ur5",
        "nyu_franka_play_dataset_converted_externally_to_rlds",
        "ucsd_kitchen_dataset_converted_externally_to_rlds",
        "dlr_edan_shared_control_converted_externally_to_rlds", "dobbe",
    ]
    private static let highNames = [
        "utaustin_mutex", "iamlab_cmu_pickup_insert_converted_externally_to_rlds",
        "austin_sailor_dataset_converted_externally_to_rlds", "viola", "droid",
    ]

    /// The first list that holds a part of the name wins; only `ego4d` ignores case, as in the original.
    private static func byName(_ name: String) -> ClosedRange<Int>? {
        if name.lowercased().contains("ego4d") { return 2...2 }
        if lowNames.contains(where: name.contains) { return low }
        if highNames.contains(where: name.contains) { return high }
        return nil
    }
}
