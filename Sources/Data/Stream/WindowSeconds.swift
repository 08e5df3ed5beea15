extension StreamOptions {
    /// How many seconds a pair spans in the datasets whose name contains `pattern`, in any case.
    public struct WindowSeconds: NameRule {
        public var pattern: String
        /// Finite and above 0.
        public var seconds: Double

        public init(pattern: String, seconds: Double) {
            (self.pattern, self.seconds) = (pattern, seconds)
        }
    }

    /// How many frames a pair of a dataset spans under these options.
    ///
    /// - Parameters:
    ///   - fps: frames per second of the dataset.
    ///   - place: of the dataset in the mix.
    public func windowRule(name: String, fps: Double, place: Int) -> WindowRule {
        if let rule = windowSeconds.first(for: name) { return WindowRule(seconds: rule.seconds, fps: fps) }
        return WindowRule(option: window, name: name, fps: fps, seed: seed, dataset: place)
    }
}
