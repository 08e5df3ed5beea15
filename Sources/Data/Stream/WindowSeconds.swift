extension StreamOptions {
    /// How many seconds a pair spans in the datasets whose name contains `pattern`, in any case.
    public struct WindowSeconds: NameRule {
        public var pattern: String
        /// Finite and above 0.
        public var seconds: Double
        /// Rounds half a frame to an even number of frames, as LaWAM does, and not up.
        public var roundsToEven: Bool

        public init(pattern: String, seconds: Double, roundsToEven: Bool = false) {
            (self.pattern, self.seconds, self.roundsToEven) = (pattern, seconds, roundsToEven)
        }
    }

    /// How many frames a pair of a dataset spans under these options.
    ///
    /// - Parameters:
    ///   - fps: frames per second of the dataset.
    ///   - place: of the dataset in the mix.
    public func windowRule(name: String, fps: Double, place: Int) -> WindowRule {
        if let rule = windowSeconds.first(for: name) ?? kindWindows.first(for: name) {
            return WindowRule(seconds: rule.seconds, fps: fps, roundsToEven: rule.roundsToEven)
        }
        return WindowRule(option: window, name: name, fps: fps, seed: seed, dataset: place)
    }
}
