import DataCore

/// One of the eight ways to put a rectangle onto itself or onto its side: rows and columns are exchanged first, then
/// columns and rows are mirrored.
package struct PictureTurn: Sendable, Hashable, Codable {
    var transposes = false
    /// The first column comes last.
    var mirrorsColumns = false
    /// The first row comes last.
    var mirrorsRows = false

    package init(transposes: Bool = false, mirrorsColumns: Bool = false, mirrorsRows: Bool = false) {
        (self.transposes, self.mirrorsColumns, self.mirrorsRows) = (transposes, mirrorsColumns, mirrorsRows)
    }

    package var isIdentity: Bool { self == PictureTurn() }

    /// The size of a turned picture.
    package func size(width: Int, height: Int) -> (width: Int, height: Int) {
        transposes ? (height, width) : (width, height)
    }

    /// For people: what is done to the stored picture.
    package var description: String {
        switch (transposes, mirrorsColumns, mirrorsRows) {
        case (false, false, false): "as stored"
        case (false, true, false): "mirrored left to right"
        case (false, false, true): "mirrored top to bottom"
        case (false, true, true): "turned by 180°"
        case (true, true, false): "turned by 90° clockwise"
        case (true, false, true): "turned by 90° counter-clockwise"
        case (true, false, false): "mirrored along the diagonal"
        case (true, true, true): "mirrored along the other diagonal"
        }
    }

    package func applied(to image: RGBImage) -> RGBImage {
        guard !isIdentity else { return image }
        let size = size(width: image.width, height: image.height)
        return RGBImage(
            width: size.width, height: size.height,
            pixels: applied(to: image.pixels, width: image.width, height: image.height, channels: 3))
    }

    package func applied(to picture: DepthPicture) -> DepthPicture {
        guard !isIdentity else { return picture }
        let size = size(width: picture.width, height: picture.height)
        return DepthPicture(
            width: size.width, height: size.height,
            values: applied(to: picture.values, width: picture.width, height: picture.height, channels: 1))
    }

    /// - Parameter values: `[height, width, channels]`.
    private func applied<Value>(to values: [Value], width: Int, height: Int, channels: Int) -> [Value] {
        let size = size(width: width, height: height)
        return [Value](unsafeUninitializedCapacity: values.count) { target, count in
            values.withUnsafeBufferPointer { source in
                for y in 0..<size.height {
                    let row = mirrorsRows ? size.height - 1 - y : y
                    // A row of the result is a row of the source, or a column of it.
                    let first = mirrorsColumns ? size.width - 1 : 0
                    var place = (transposes ? first * width + row : row * width + first) * channels
                    let step = (mirrorsColumns ? -1 : 1) * (transposes ? width : 1) * channels
                    var output = y * size.width * channels
                    for _ in 0..<size.width {
                        for channel in 0..<channels {
                            target.initializeElement(at: output + channel, to: source[place + channel])
                        }
                        place += step
                        output += channels
                    }
                }
            }
            count = values.count
        }
    }
}
