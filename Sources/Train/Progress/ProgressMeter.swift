/// Keeps the speed of a run: samples per second, the share of time spent waiting for data, and the time to go.
///
/// The speed is a mean of the last steps that forgets with a time constant of `memory` seconds of training, so that it
/// follows a change within a minute and does not jump with every step.
public struct ProgressMeter: Sendable {
    /// Seconds.
    public var memory = 30.0
    private var seconds = 0.0
    private var waited = 0.0
    private var samples = 0.0
    private var steps = 0.0

    public init() {}

    /// Adds one step.
    /// - Parameters:
    ///   - seconds: its whole duration, the waiting included.
    ///   - waiting: the part of it spent waiting for data.
    public mutating func record(seconds: Double, waiting: Double, samples: Int) {
        guard seconds > 0 else { return }
        let kept = max(0, 1 - seconds / memory)
        self.seconds = self.seconds * kept + seconds
        waited = waited * kept + min(max(waiting, 0), seconds)
        self.samples = self.samples * kept + Double(samples)
        steps = steps * kept + 1
    }

    /// Nil before the first step.
    public var samplesPerSecond: Double? { seconds > 0 ? samples / seconds : nil }
    /// From 0 to 1; nil before the first step.
    public var waitingShare: Double? { seconds > 0 ? waited / seconds : nil }

    /// Seconds that `remaining` steps will take; nil before the first step.
    public func secondsToGo(_ remaining: Int) -> Double? {
        steps > 0 ? Double(max(0, remaining)) * seconds / steps : nil
    }
}
