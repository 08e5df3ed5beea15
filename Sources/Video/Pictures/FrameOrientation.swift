import DataCore

/// How stored pictures become upright ones.
public enum FrameOrientation: String, Sendable, CaseIterable, Codable {
    case asStored = "none"
    /// Columns from the right: mirrored.
    case horizontal
    /// Rows from the bottom: what OpenGL renders.
    case vertical
    /// Rows from the bottom and columns from the right: turned by 180 degrees.
    case both

    /// By the name that users write; `rotate180` is another one for `both`.
    public init?(named name: String) {
        switch name {
        case "rotate180": self = .both
        default: self.init(rawValue: name)
        }
    }

    private var turn: PictureTurn {
        switch self {
        case .asStored: PictureTurn()
        case .horizontal: PictureTurn(mirrorsColumns: true)
        case .vertical: PictureTurn(mirrorsRows: true)
        case .both: PictureTurn(mirrorsColumns: true, mirrorsRows: true)
        }
    }

    /// For people: what is done to the stored picture.
    package var description: String { turn.description }

    package func upright(_ image: RGBImage) -> RGBImage { turn.applied(to: image) }
}

/// Which of red and blue a stored picture has first.
public enum ChannelOrder: String, Sendable, CaseIterable, Codable {
    case rgb
    case bgr
}
