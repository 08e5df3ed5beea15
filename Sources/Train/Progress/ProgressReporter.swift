import Formats

/// How progress is shown.
public enum ProgressStyle: Sendable, Equatable {
    /// One line of a terminal that is drawn anew.
    case live(width: Int, usesColor: Bool)
    /// A line every `everyNSteps` steps.
    case plain(everyNSteps: Int)
    /// What concerns the run, such as warnings, and no progress.
    case notes
    case silent

    /// Whether steps are shown.
    var showsProgress: Bool { self != .silent && self != .notes }

    /// The style that fits the place where the output goes.
    /// - Parameters:
    ///   - isTerminal: whether it is a terminal that can redraw a line.
    ///   - isEnabled: `trainer.enable_progress_bar`.
    ///   - rank: only rank 0 reports.
    ///   - noColor: whether NO_COLOR is set to something.
    public static func choose(
        isTerminal: Bool, width: Int, isEnabled: Bool, rank: Int, noColor: Bool, everyNSteps: Int
    ) -> ProgressStyle {
        guard rank == 0 else { return .silent }
        guard isEnabled else { return .notes }
        return isTerminal ? .live(width: max(width, 20), usesColor: !noColor) : .plain(everyNSteps: max(everyNSteps, 1))
    }
}

/// Shows a run's progress on a console.
public struct ProgressReporter {
    /// A live line is drawn at most this often, in seconds.
    static let redrawInterval = 0.1

    private let style: ProgressStyle
    private let totalSteps: Int?
    private let secondsLimit: Double?
    private let write: (String) -> Void
    private let peakSamplesPerSecond: Double?
    private var meter = ProgressMeter()
    private var last: ProgressLine?
    private var lastDraw = -Double.infinity
    private var lastReported: Int?
    private var display = LiveDisplay()

    /// - Parameters:
    ///   - totalSteps: nil for a run without end.
    ///   - secondsLimit: of the run, where a clock ends it.
    ///   - peakSamplesPerSecond: what the machine's best rate of products would give, where it is known.
    ///   - write: takes text for the console.
    public init(
        style: ProgressStyle, totalSteps: Int?, secondsLimit: Double? = nil, peakSamplesPerSecond: Double? = nil,
        write: @escaping (String) -> Void
    ) {
        self.style = style
        self.totalSteps = totalSteps
        self.secondsLimit = secondsLimit
        self.peakSamplesPerSecond = peakSamplesPerSecond
        self.write = write
    }

    /// Reports a finished optimiser step.
    /// - Parameters:
    ///   - step: steps done, counted from 1.
    ///   - seconds: the step's whole duration; `waiting` is the part of it spent waiting for data.
    ///   - samples: over all ranks.
    ///   - codes: those in use lately and all, where there are codes.
    ///   - now: seconds of any clock that only runs forward.
    public mutating func update(
        epoch: Int, step: Int, loss: Double, seconds: Double, waiting: Double, samples: Int,
        codes: (live: Int, all: Int)? = nil, now: Double
    ) {
        meter.record(seconds: seconds, waiting: waiting, samples: samples)
        let line = ProgressLine(
            epoch: epoch, step: step, totalSteps: totalSteps, loss: loss, samplesPerSecond: meter.samplesPerSecond,
            // The peak was measured in a moment in which others may have computed, too.
            ceilingShare: peakSamplesPerSecond.flatMap { peak in meter.samplesPerSecond.map { min(1, $0 / peak) } },
            waitingShare: meter.waitingShare, timeToGo: timeToGo(step: step, now: now))
        last = line
        display.add(loss: loss, codes: codes)
        switch style {
        case .live:
            guard now - lastDraw >= Self.redrawInterval || step == totalSteps else { return }
            lastDraw = now
            draw(line)
        case .plain(let interval):
            // The first at once: a slow run would say nothing for minutes.
            guard step.isMultiple(of: interval) || step == totalSteps || lastReported == nil else { return }
            lastReported = step
            write(line.plain + "\n")
        case .notes, .silent: return
        }
    }

    private func timeToGo(step: Int, now: Double) -> Double? {
        let bySteps = totalSteps.flatMap { meter.secondsToGo($0 - step) }
        let byClock = secondsLimit.map { max(0, $0 - now) }
        return [bySteps, byClock].compactMap { $0 }.min()
    }

    /// Seconds that the run will go on; nil for one without end, and before the first step.
    var secondsToGo: Double? { last?.timeToGo }

    /// What the loggers get of it, once two steps have been timed.
    var throughput: [(tag: String, value: Double)] {
        let values = [
            (MetricTag.samplesPerSecond, last?.samplesPerSecond), (MetricTag.ceilingShare, last?.ceilingShare),
            (MetricTag.waitingShare, last?.waitingShare),
        ]
        return values.compactMap { tag, value in value.map { (tag, $0) } }
    }

    /// The share of time spent waiting for data, once two steps have been timed.
    var waitingShare: Double? { last?.waitingShare }

    /// Prints a line of its own between those of the progress.
    public mutating func note(_ text: String) {
        let text = text.printable
        switch style {
        case .live:
            write(display.erase() + text + "\n")
            if let last { draw(last) }
        case .plain, .notes: write(text + "\n")
        case .silent: return
        }
    }

    /// Ends the display, so that what is printed next starts on a line of its own.
    public mutating func finish() {
        guard let last else { return }
        switch style {
        case .live:
            draw(last)
            write("\n")
        case .plain: if lastReported != last.step { write(last.plain + "\n") }
        case .notes, .silent: return
        }
        self.last = nil
    }

    private mutating func draw(_ line: ProgressLine) {
        guard case .live(let width, let usesColor) = style else { return }
        write(display.drawing(line, width: width, usesColor: usesColor))
    }
}
