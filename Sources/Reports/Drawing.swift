import Formats

/// Lines, curves and texts, to be written as SVG or as pixels.
struct Drawing {
    enum Place: String { case start, middle, end }

    enum Mark {
        case line([(x: Double, y: Double)], color: String, width: Double)
        case disc(x: Double, y: Double, radius: Double, color: String)
        /// With its baseline at `y`; one that is upwards is turned around (x, y) to be read from below.
        case text(
            String, x: Double, y: Double, size: Double, color: String, place: Place, isBold: Bool, isUpwards: Bool)
    }

    let width: Int
    let height: Int
    private(set) var marks: [Mark] = []

    init(width: Int, height: Int) { (self.width, self.height) = (width, height) }

    mutating func line(_ points: [(x: Double, y: Double)], color: String, width: Double = 1) {
        marks.append(.line(points, color: color, width: width))
    }

    mutating func disc(x: Double, y: Double, radius: Double, color: String) {
        marks.append(.disc(x: x, y: y, radius: radius, color: color))
    }

    mutating func text(
        _ text: String, x: Double, y: Double, size: Double = 12, color: String = "#000000", place: Place = .start,
        isBold: Bool = false, isUpwards: Bool = false
    ) {
        marks.append(
            .text(text, x: x, y: y, size: size, color: color, place: place, isBold: isBold, isUpwards: isUpwards))
    }

    /// Puts another drawing with its upper left corner at (x, y).
    mutating func add(_ other: Drawing, x: Double, y: Double) {
        marks += other.marks.map { mark in
            switch mark {
            case .line(let points, let color, let width):
                .line(points.map { ($0.x + x, $0.y + y) }, color: color, width: width)
            case .disc(let ownX, let ownY, let radius, let color):
                .disc(x: ownX + x, y: ownY + y, radius: radius, color: color)
            case .text(let text, let ownX, let ownY, let size, let color, let place, let isBold, let isUpwards):
                .text(
                    text, x: ownX + x, y: ownY + y, size: size, color: color, place: place, isBold: isBold,
                    isUpwards: isUpwards)
            }
        }
    }

    /// An SVG file that stands alone.
    var svg: String {
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" width="\(width)" height="\(height)">
        <style>text{font-family:sans-serif}polyline{fill:none}</style>
        <rect width="100%" height="100%" fill="white"/>
        \(marks.map(Self.svg).joined(separator: "\n"))
        </svg>

        """
    }

    private static func svg(_ mark: Mark) -> String {
        switch mark {
        case .line(let points, let color, let width):
            let places = points.map { "\($0.x.tenths),\($0.y.tenths)" }.joined(separator: " ")
            if points.count == 2 {
                return "<line stroke=\"\(color)\" stroke-width=\"\(width.tenths)\" x1=\"\(points[0].x.tenths)\" "
                    + "y1=\"\(points[0].y.tenths)\" x2=\"\(points[1].x.tenths)\" y2=\"\(points[1].y.tenths)\"/>"
            }
            return "<polyline stroke=\"\(color)\" stroke-width=\"\(width.tenths)\" points=\"\(places)\"/>"
        case .disc(let x, let y, let radius, let color):
            return "<circle cx=\"\(x.tenths)\" cy=\"\(y.tenths)\" r=\"\(radius.tenths)\" fill=\"\(color)\"/>"
        case .text(let text, let x, let y, let size, let color, let place, let isBold, let isUpwards):
            let turn = isUpwards ? " transform=\"rotate(-90 \(x.tenths) \(y.tenths))\"" : ""
            return "<text x=\"\(x.tenths)\" y=\"\(y.tenths)\" font-size=\"\(size.tenths)\" fill=\"\(color)\" "
                + "text-anchor=\"\(place.rawValue)\"\(isBold ? " font-weight=\"bold\"" : "")\(turn)>"
                + "\(text.escapedForXML)</text>"
        }
    }

    /// The drawing in pixels, `scale` to each of its units.
    func image(scale: Int = 2) -> PNGImage {
        var canvas = PixelCanvas(width: width * scale, height: height * scale)
        let factor = Double(scale)
        for mark in marks {
            switch mark {
            case .line(let points, let color, let width):
                for (start, end) in zip(points, points.dropFirst()) {
                    canvas.line(
                        from: (start.x * factor, start.y * factor), to: (end.x * factor, end.y * factor),
                        thickness: width * factor, Self.rgb(color))
                }
            case .disc(let x, let y, let radius, let color):
                canvas.disc(x: x * factor, y: y * factor, radius: radius * factor, Self.rgb(color))
            case .text(let text, let x, let y, _, let color, let place, _, let isUpwards):
                let length = Double(PixelCanvas.width(of: text, scale: scale))
                let back = place == .start ? 0 : place == .middle ? length / 2 : length
                // Letters hang from their upper edge, and stand on the font's seventh row.
                let (dx, dy) = isUpwards ? (-7 * factor, back) : (-back, -7 * factor)
                canvas.text(
                    text, x: Int(x * factor + dx), y: Int(y * factor + dy), scale: scale, isUpwards: isUpwards,
                    Self.rgb(color))
            }
        }
        return canvas.image
    }

    /// Of `#rrggbb`.
    private static func rgb(_ color: String) -> PixelCanvas.Color {
        let number = UInt32(color.dropFirst(), radix: 16) ?? 0
        return (UInt8(number >> 16 & 255), UInt8(number >> 8 & 255), UInt8(number & 255))
    }
}
