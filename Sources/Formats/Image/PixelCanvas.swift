/// An RGB picture to draw on: rectangles, smooth lines, discs and small letters.
package struct PixelCanvas {
    package typealias Color = (red: UInt8, green: UInt8, blue: UInt8)

    package let width: Int
    package let height: Int
    private var pixels: [UInt8]

    /// A white picture.
    package init(width: Int, height: Int) {
        (self.width, self.height) = (width, height)
        pixels = [UInt8](repeating: 255, count: 3 * width * height)
    }

    package var image: PNGImage { PNGImage(width: width, height: height, pixels: pixels) }

    /// Lays `color` over a pixel, in so far as `share` (0 … 1) says; what lies outside is left out.
    private mutating func blend(_ x: Int, _ y: Int, _ color: Color, _ share: Double) {
        guard (0..<width).contains(x), (0..<height).contains(y), share > 0 else { return }
        let place = 3 * (y * width + x)
        for (channel, value) in [color.red, color.green, color.blue].enumerated() {
            let old = Double(pixels[place + channel])
            pixels[place + channel] = UInt8((old + (Double(value) - old) * min(1, share)).rounded())
        }
    }

    /// Copies an RGB8 picture `[height, width, 3]`, each pixel `zoom` times in both directions.
    package mutating func draw(_ picture: [UInt8], width: Int, height: Int, zoom: Int, x: Int, y: Int) {
        precondition(picture.count == 3 * width * height, "\(picture.count) bytes are not \(height) x \(width) x 3")
        for row in 0..<height * zoom {
            for column in 0..<width * zoom {
                let source = 3 * (row / zoom * width + column / zoom)
                blend(x + column, y + row, (picture[source], picture[source + 1], picture[source + 2]), 1)
            }
        }
    }

    /// A line of `thickness` pixels with smooth edges.
    package mutating func line(
        from start: (x: Double, y: Double), to end: (x: Double, y: Double), thickness: Double, _ color: Color
    ) {
        let (dx, dy) = (end.x - start.x, end.y - start.y)
        let squared = dx * dx + dy * dy
        let reach = thickness / 2 + 1
        guard squared.isFinite,
            let area = area(
                min(start.x, end.x) - reach, max(start.x, end.x) + reach, min(start.y, end.y) - reach,
                max(start.y, end.y) + reach)
        else { return }
        for y in area.rows {
            for x in area.columns {
                let (px, py) = (Double(x) + 0.5 - start.x, Double(y) + 0.5 - start.y)
                let along = squared > 0 ? min(1, max(0, (px * dx + py * dy) / squared)) : 0
                let (ox, oy) = (px - along * dx, py - along * dy)
                blend(x, y, color, thickness / 2 + 0.5 - (ox * ox + oy * oy).squareRoot())
            }
        }
    }

    package mutating func disc(x: Double, y: Double, radius: Double, _ color: Color) {
        line(from: (x, y), to: (x, y), thickness: 2 * radius, color)
    }

    /// Letters with their upper left corner at (x, y), `scale` pixels to each of the font's; `isUpwards` turns them to be
    /// read from below.
    package mutating func text(_ text: String, x: Int, y: Int, scale: Int = 1, isUpwards: Bool = false, _ color: Color)
    {
        for (place, letter) in Self.letters(text).enumerated() {
            for column in 0..<BitmapFont.width {
                for row in 0..<BitmapFont.height where BitmapFont.isSet(letter, column: column, row: row) {
                    let along = place * BitmapFont.advance + column
                    for i in 0..<scale {
                        for j in 0..<scale {
                            let (u, v) = (along * scale + i, row * scale + j)
                            if isUpwards { blend(x + v, y - u, color, 1) } else { blend(x + u, y + v, color, 1) }
                        }
                    }
                }
            }
        }
    }

    /// Pixels that a text takes in its direction.
    package static func width(of text: String, scale: Int = 1) -> Int {
        letters(text).count * BitmapFont.advance * scale
    }

    private static func letters(_ text: String) -> [UInt8] {
        text.map { character in
            switch character {
            case "÷": UInt8(ascii: "/")
            case "–", "−": UInt8(ascii: "-")
            default: character.asciiValue ?? UInt8(ascii: "?")
            }
        }
    }

    /// The pixels of a rectangle that lie within the picture.
    private func area(
        _ left: Double, _ right: Double, _ top: Double, _ bottom: Double
    ) -> (columns: ClosedRange<Int>, rows: ClosedRange<Int>)? {
        func pixel(_ value: Double, _ size: Int) -> Int { Int(min(max(value, 0), Double(size - 1))) }
        guard width > 0, height > 0, right >= 0, bottom >= 0, left < Double(width), top < Double(height) else {
            return nil
        }
        return (pixel(left, width)...pixel(right, width), pixel(top, height)...pixel(bottom, height))
    }
}
