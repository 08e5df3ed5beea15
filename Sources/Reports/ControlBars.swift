import Foundation

/// Bars of the errors with latents that are not a pair's own, below that with the own ones: SVG.
struct ControlBars {
    /// In the order of the picture, by the names that `metrics.json` has.
    private static let names = [
        ("own", "own latents"), ("zero", "zeros"), ("same_episode", "of the same episode"),
        ("other_episode", "of another episode"), ("gaussian", "gaussian"), ("nothing_changed", "nothing changed"),
    ]
    private static let (width, row, label, number) = (640.0, 26.0, 170.0, 70.0)

    private let bars: [(words: String, value: Double)]

    /// - Parameter values: by name; nil without an error of the own latents.
    init?(_ values: [String: Double]) {
        bars = Self.names.compactMap { name, words in
            values[name].flatMap { $0.isFinite && $0 >= 0 ? (words, $0) : nil }
        }
        guard bars.count > 1, values["own"] != nil else { return nil }
    }

    func svg() -> String {
        let height = Self.row * Double(bars.count) + 8
        // The mean's error is 1, which stays in sight.
        let largest = max(1, bars.map(\.value).max() ?? 1)
        let room = Self.width - Self.label - Self.number
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(Self.width)) \(Int(height))\" "
                + "width=\"\(Int(Self.width))\" font-family=\"sans-serif\" font-size=\"13\">"
        ]
        func text(_ value: Double) -> String { String(format: "%.1f", value) }
        for (place, bar) in bars.enumerated() {
            let y = 4 + Self.row * Double(place), length = room * bar.value / largest
            lines.append(
                "<text x=\"\(text(Self.label - 8))\" y=\"\(text(y + 17))\" text-anchor=\"end\">\(bar.words)</text>"
                    + "<rect x=\"\(text(Self.label))\" y=\"\(text(y + 4))\" width=\"\(text(length))\" height=\"18\" "
                    + "fill=\"\(place == 0 ? "#1f77b4" : "#b0b7bf")\"/>"
                    + "<text x=\"\(text(Self.label + length + 6))\" y=\"\(text(y + 17))\">\(bar.value.formatted4)</text>"
            )
        }
        let one = text(Self.label + room / largest)
        lines.append(
            "<line x1=\"\(one)\" x2=\"\(one)\" y1=\"0\" y2=\"\(text(height))\" stroke=\"#555\" "
                + "stroke-dasharray=\"3 3\"/></svg>")
        return lines.joined(separator: "\n")
    }

    func figure(pairs: Int) -> String {
        let words =
            "Error of the prediction (standardised features; the dashed line is predicting the mean) with the own latents and "
            + "with others, \(pairs) pairs"
        let content = Data(svg().utf8).base64EncodedString()
        return "<figure><figcaption>\(words)</figcaption><img alt=\"controls\" "
            + "src=\"data:image/svg+xml;base64,\(content)\"></figure>"
    }
}
