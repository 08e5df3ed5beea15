import DataCore

/// A decoded picture of a depth camera: what its pixel format turned out to hold.
package enum StoredPicture {
    /// Three channels of 8 bits: distances that somebody painted. There is nothing to map.
    case painted(RGBImage)
    /// - Parameter isWide: more levels than 256, so that a range has to say which of them are to be seen.
    case distances(DepthPicture, isWide: Bool)

    package var size: (width: Int, height: Int) {
        switch self {
        case .painted(let image): (image.width, image.height)
        case .distances(let picture, _): (picture.width, picture.height)
        }
    }

    package func turned(_ turn: PictureTurn) -> StoredPicture {
        switch self {
        case .painted(let image): .painted(turn.applied(to: image))
        case .distances(let picture, let isWide): .distances(turn.applied(to: picture), isWide: isWide)
        }
    }

    /// What a model may see of it.
    ///
    /// - Returns: nil where a range is needed and there is none.
    package func image(_ range: ClosedRange<Double>?) -> RGBImage? {
        switch self {
        case .painted(let image): image
        case .distances(let picture, let isWide):
            range.map { picture.image($0) } ?? (isWide ? nil : picture.image(0...255))
        }
    }
}

extension VideoFrame {
    /// - Returns: nil for a pixel format that cannot be read.
    package func storedPicture(_ reader: DepthReader, converter: RGBConverter) -> StoredPicture? {
        guard isMeasurement || channels < 3 || reader.hasCodes && bits > 8 else {
            return converter.convert(self).map { .painted($0) }
        }
        return reader.picture(self).map { .distances($0, isWide: bits > 8) }
    }
}
