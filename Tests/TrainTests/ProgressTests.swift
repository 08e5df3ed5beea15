import LAMTrain
import Testing

@Suite("Progress")
struct ProgressTests {
    private let line = ProgressLine(
        epoch: 1, step: 120, totalSteps: 300, loss: 0.123456, samplesPerSecond: 210.4, waitingShare: 0.034,
        timeToGo: 3_725)

    @Test("the plain line has every field")
    func plain() {
        #expect(
            line.plain == "epoch 1  step 120/300 (40%)  loss 0.1235  210 samples/s  data 3%  ETA 1:02:05")
        #expect(ProgressLine(epoch: 0, step: 7).plain == "epoch 0  step 7")
    }

    @Test("the live line fills the terminal with a bar and never exceeds it")
    func live() {
        #expect(line.live(width: 200, usesColor: false) == "[============                  ] " + line.plain)
        #expect(line.live(width: 200, usesColor: true).hasPrefix("[\u{1B}[32m====="))
        for width in 0..<140 { #expect(line.live(width: width, usesColor: false).count <= max(0, width - 1)) }
        #expect(line.live(width: 80, usesColor: true) == line.plain)
    }

    @Test(
        "durations are written as clocks do",
        arguments: [
            (0.4, "00:00"), (59.6, "01:00"), (3_599, "59:59"), (3_600, "1:00:00"), (90_061, "1d 01:01:01"),
            (-.infinity, "00:00"), (.nan, "00:00"), (.infinity, "1000000d 00:00:00"),
        ] as [(Double, String)])
    func durations(seconds: Double, text: String) {
        #expect(ProgressLine.duration(seconds) == text)
    }

    @Test("the meter gives speed, waiting share and time to go, and follows a change")
    func meter() throws {
        var meter = ProgressMeter()
        #expect(meter.samplesPerSecond == nil && meter.secondsToGo(5) == nil)
        for _ in 0..<10 { meter.record(seconds: 2, waiting: 0.5, samples: 32) }
        #expect(abs(try #require(meter.samplesPerSecond) - 16) < 1e-9)
        #expect(abs(try #require(meter.waitingShare) - 0.25) < 1e-9)
        #expect(abs(try #require(meter.secondsToGo(100)) - 200) < 1e-6)
        for _ in 0..<100 { meter.record(seconds: 1, waiting: 0, samples: 32) }
        #expect(abs(try #require(meter.samplesPerSecond) - 32) < 1)
        meter.record(seconds: 100, waiting: 200, samples: 1)
        #expect(try #require(meter.waitingShare) == 1)
    }

    @Test("long work says how far it is after three seconds, then ever more seldom, but once in a minute")
    func longWork() {
        var work = WorkProgress("labelling", total: 1000, of: "pairs")
        let lines = (1...1000).compactMap { second in
            work.add(1, atSecond: Double(second)).map { (second, $0) }
        }
        #expect(Array(lines.map(\.0).prefix(7)) == [3, 6, 12, 24, 48, 96, 156])
        #expect(lines[0].1 == "labelling: 3 of 1000 pairs, about 16:37 to go")
        #expect(lines.last?.0 == 996)
        var short = WorkProgress("labelling", total: 10, of: "pairs")
        #expect(short.add(9, atSecond: 2.9) == nil && short.add(9, atSecond: 9) == nil, "it is done")
    }

    @Test("the style follows the terminal, the rank and the options")
    func style() {
        func choose(terminal: Bool = true, enabled: Bool = true, rank: Int = 0, noColor: Bool = false) -> ProgressStyle
        {
            .choose(
                isTerminal: terminal, width: 100, isEnabled: enabled, rank: rank, noColor: noColor, everyNSteps: 50)
        }
        #expect(choose() == .live(width: 100, usesColor: true))
        #expect(choose(noColor: true) == .live(width: 100, usesColor: false))
        #expect(choose(terminal: false) == .plain(everyNSteps: 50))
        #expect(choose(enabled: false) == .notes)
        #expect(choose(rank: 1) == .silent && choose(enabled: false, rank: 1) == .silent)
    }

    private func output(_ style: ProgressStyle, steps: Int, total: Int?, secondsPerStep: Double) -> String {
        var text = ""
        var reporter = ProgressReporter(style: style, totalSteps: total) { text += $0 }
        for step in 1...steps {
            reporter.update(
                epoch: 0, step: step, loss: 1, seconds: secondsPerStep, waiting: 0, samples: 1,
                now: Double(step) * secondsPerStep)
            if step == 2 { reporter.note("saved") }
        }
        reporter.finish()
        reporter.finish()
        return text
    }

    @Test("a log file gets a line every N steps, the last step and the notes, without control characters")
    func plainOutput() {
        let lines = output(.plain(everyNSteps: 4), steps: 10, total: 10, secondsPerStep: 1).split(separator: "\n")
        // The first step at once.
        #expect(lines.count == 5 && lines[0].hasPrefix("epoch 0  step 1/10") && lines[1] == "saved")
        #expect(lines[2].hasPrefix("epoch 0  step 4/10") && lines[4].hasPrefix("epoch 0  step 10/10 (100%)"))
        let stopped = output(.plain(everyNSteps: 4), steps: 5, total: nil, secondsPerStep: 1).split(separator: "\n")
        #expect(stopped.last?.hasPrefix("epoch 0  step 5  loss 1") == true)
    }

    @Test("a terminal's line is redrawn ten times a second at most and ends with a newline")
    func liveOutput() {
        let text = output(.live(width: 100, usesColor: false), steps: 100, total: nil, secondsPerStep: 0.01)
        let draws = text.split(separator: "\r").count
        #expect(draws <= 15, "\(draws) draws")
        #expect(text.contains("\u{1B}[Jsaved\n") && text.hasSuffix("\n"))
        #expect(output(.notes, steps: 10, total: 10, secondsPerStep: 1) == "saved\n")
        #expect(output(.silent, steps: 10, total: 10, secondsPerStep: 1) == "")
    }

    /// What a terminal shows in the end: lines that are moved up over are written anew.
    private func screen(_ text: String) -> [String] {
        var lines = [""]
        var row = 0
        var rest = text[...]
        while let character = rest.popFirst() {
            switch character {
            case "\r": break
            case "\n":
                row += 1
                if row == lines.count { lines.append("") }
            case "\u{1B}":
                let code = rest.prefix { !$0.isLetter }
                let kind = rest.dropFirst(code.count).first
                rest = rest.dropFirst(code.count + 1)
                if kind == "A" { row = max(0, row - (Int(code.dropFirst()) ?? 1)) }
                if kind == "J" || kind == "K" { lines[row] = "" }
                if kind == "J" { lines.removeSubrange((row + 1)...) }
            default: lines[row].append(character)
            }
        }
        return lines
    }

    @Test(
        "a terminal shows bar, speed, loss as a curve and codes in at most six lines, drawn in place",
        arguments: [30, 60, 100])
    func screenful(width: Int) {
        var text = ""
        var reporter = ProgressReporter(
            style: .live(width: width, usesColor: false), totalSteps: 500, secondsLimit: 60, peakSamplesPerSecond: 4
        ) { text += $0 }
        for step in 1...300 {
            reporter.update(
                epoch: 0, step: step, loss: 3 / Double(step), seconds: 1, waiting: 0, samples: 8, codes: (5, 16),
                now: Double(step) / 10)
            if step == 200 { reporter.note("a line of its own") }
        }
        let lines = screen(text)
        #expect(lines[0] == "a line of its own", "\(lines)")
        let shown = lines.dropFirst()
        #expect(shown.count <= 6 && shown.allSatisfy { $0.count < width }, "\(lines)")
        guard width > 40 else { return #expect(shown.count == 1) }
        #expect(shown.contains { $0.contains("█") && $0.contains("▁") && $0.hasPrefix("loss") }, "\(lines)")
        #expect(shown.contains("codes  5 of 16 alive"), "\(lines)")
        // Not more than what can be, and the clock ends the run before the steps do.
        #expect(
            shown.contains { $0.contains("100% of peak") } && shown.contains { $0.contains("ETA 00:30") }, "\(lines)")
    }
}
