import Foundation
import LAMTrain
import Wan

/// Shows an extraction on a terminal or in a log.
struct ExtractionConsole {
    private let rank: Int
    private let ranks: Int
    private var isLineOpen = false
    private var lastDraw = -Double.infinity
    private var lastSegments = -1

    /// - Parameter rank: 0 shows its share of the work; others tell only what they leave out.
    init(rank: Int, ranks: Int) { (self.rank, self.ranks) = (rank, ranks) }

    mutating func show(_ event: ExtractionEvent) {
        if rank > 0 { guard case .leftOut = event else { return } }
        switch event {
        case .plan(let outline):
            line(Self.text(outline))
            if ranks > 1 { line("ranks            \(ranks) share the videos; these figures are of rank 0") }
        case .note(let note):
            endLine()
            Console.error("note: \(note)")
        case .text(let block, let count):
            guard Console.isTerminal else {
                if block == count { line("text encoder: \(count) blocks done") }
                return
            }
            draw("text encoder: block \(block) of \(count)")
            if block == count { endLine() }
        case .frames(let progress):
            // A log gets a line for each segment, a terminal ten a second.
            guard Console.isTerminal else {
                guard progress.segments > max(lastSegments, 0) else { return }
                lastSegments = progress.segments
                return line(Self.text(progress))
            }
            guard progress.seconds - lastDraw >= 0.1 || progress.segments == progress.totalSegments else { return }
            lastDraw = progress.seconds
            draw(Self.text(progress))
        case .wrote: break
        case .leftOut(let item):
            endLine()
            Console.error("left out: \(Self.place(item)): \(item.cause.rawValue): \(item.reason)")
        }
    }

    mutating func finish(_ summary: ExtractionSummary) {
        line(
            "\(summary.written) files written, \(summary.skipped) complete before, \(summary.leftOut.count) left out, "
                + "in \(ProgressLine.duration(summary.seconds))")
        for own in summary.quality {
            let kept = String(format: "%.2f dB", own.psnr)
            line("\(own.camera): decoded latents keep \(kept) over \(own.segments) segments")
        }
        guard !summary.leftOut.isEmpty else { return }
        line("left out:")
        for cause in LeftOut.Cause.allCases {
            let items = summary.leftOut.filter { $0.cause == cause }
            guard !items.isEmpty else { continue }
            let places = items.prefix(20).map(Self.place).joined(separator: "; ")
            let count = String(items.count)
            line(
                "  \(String(repeating: " ", count: max(0, 6 - count.count)))\(count)  "
                    + "\(cause.rawValue.padding(toLength: 18, withPad: " ", startingAt: 0))  \(places)"
                    + (items.count > 20 ? "; …" : ""))
        }
    }

    /// Ends a line that is drawn again and again.
    mutating func endLine() {
        guard isLineOpen else { return }
        Console.write("\n")
        isLineOpen = false
    }

    private mutating func line(_ text: String) {
        endLine()
        Console.write(text + "\n")
    }

    private mutating func draw(_ text: String) {
        isLineOpen = true
        Console.redraw(String(text.prefix(max(0, Console.width - 1))))
    }

    private static func place(_ item: LeftOut) -> String {
        ([item.episode < 0 ? "files" : "episode \(item.episode)"] + [item.segment, item.camera].compactMap { $0 })
            .joined(separator: " ")
    }

    private static func text(_ outline: ExtractionOutline) -> String {
        """
        \(outline.backend)
        episodes         \(outline.episodes)
        cameras          \(outline.cameras.joined(separator: ", "))
        segments         \(outline.segments), of which \(outline.complete) are complete; \(outline.leftOut) left out
        frames           \(outline.frames) to encode
        texts            \(outline.texts) to encode, \(outline.tokens) tokens
        work             \(String(format: "%.2f", outline.teraflop)) TFLOP, about \
        \(ProgressLine.duration(outline.estimatedSeconds)) for the videos
        """
    }

    private static func text(_ progress: ExtractionProgress) -> String {
        let rate = progress.seconds > 0 ? Double(progress.frames) / progress.seconds : 0
        return
            "segment \(progress.segments)/\(progress.totalSegments)  frame \(progress.frames)/\(progress.totalFrames)"
            + String(format: "  %.1f frames/s", rate)
            + (progress.secondsToGo.map { "  ETA \(ProgressLine.duration($0))" } ?? "")
    }
}
