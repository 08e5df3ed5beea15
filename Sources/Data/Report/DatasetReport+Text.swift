import Formats
import Foundation

extension DatasetReport {
    /// The report for a terminal, which no text of the dataset can steer.
    ///
    /// - Parameter emphasis: marks up headings, for example with escape codes.
    public func text(emphasis: (String) -> String = { $0 }) -> String {
        var lines = [emphasis(name.printableLine), ""]
        func fact(_ label: String, _ value: String) { lines.append("  " + label.padded(to: 10) + value.printableLine) }
        fact("format", format)
        if let robotType { fact("robot", robotType) }
        if let flip, flip != "none" { fact("pictures", "turned upright (\(flip))") }
        fact("rate", "\(number(fps)) frames/s")
        fact("episodes", "\(totalEpisodes) (\(totalFrames) frames, \(duration(Double(totalFrames) / fps)))")
        fact(
            "lengths",
            "\(lengths.minimum) to \(lengths.maximum) frames, median \(number(lengths.median)) "
                + "(\(duration(Double(lengths.minimum) / fps)) to \(duration(Double(lengths.maximum) / fps)))")
        fact("window", windowText)

        lines += ["", emphasis("Cameras")]
        lines += table(
            cameras.map { camera in
                let group = camera.framesPerKeyframe.map {
                    if camera.codec == nil, codebaseVersion == nil {
                        return $0 == 1 ? "read one by one" : "read in chunks of \($0)"
                    }
                    return $0 == 1 ? "every frame is a keyframe" : "keyframe every \($0)"
                }
                return [
                    camera.key, "\(camera.width)x\(camera.height)", camera.codec ?? "images", group ?? "no keyframe",
                    camera.files == 1 ? "1 file" : "\(camera.files) files", camera.content,
                ]
            })
        if !columns.isEmpty { lines += ["", emphasis("Columns")] }
        lines += table(
            columns.map { column in
                [
                    column.name, column.dtype,
                    column.shape.isEmpty ? "" : column.shape.map(String.init).joined(separator: "x"),
                ]
            })
        if !leftOut.isEmpty { lines += ["", emphasis("Left out")] + leftOut.map { "  " + $0.printableLine } }
        if !tasks.isEmpty { lines += ["", emphasis("Tasks")] }
        lines += tasks.prefix(Self.shownTasks).map { "  " + $0.printableLine }
        if tasks.count > Self.shownTasks { lines.append("  … and \(tasks.count - Self.shownTasks) more") }
        return lines.joined(separator: "\n")
    }

    private static let shownTasks = 8

    private var windowText: String {
        let seconds = { (frames: Int) in String(format: "%.2f s", Double(frames - 1) / fps) }
        guard window.minimum != window.maximum else {
            return "\(window.minimum) frames: pairs (t, t+\(window.minimum - 1)), \(seconds(window.minimum)) apart"
        }
        return "\(window.minimum) to \(window.maximum) frames: pairs (t, t+\(window.minimum - 1)) to "
            + "(t, t+\(window.maximum - 1)), \(seconds(window.minimum)) to \(seconds(window.maximum)) apart"
    }

    private func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
    }

    private func duration(_ seconds: Double) -> String {
        if seconds < 60 { return String(format: "%.1f s", seconds) }
        if seconds < 3600 { return String(format: "%.1f min", seconds / 60) }
        return String(format: "%.1f h", seconds / 3600)
    }

    /// Rows with their columns lined up, indented.
    private func table(_ rows: [[String]]) -> [String] {
        let rows = rows.map { $0.map(\.printableLine) }
        let widths = (0..<(rows.first?.count ?? 0)).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { $0.padded(to: $1 + 2) }
            return ("  " + cells.joined()).trimmingTrailingSpaces
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }

    fileprivate var trimmingTrailingSpaces: String {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
