import DataCore
import Datasets
import Formats
import Foundation

/// One page of HTML with what checks of content have found, and pictures of the worst of it. It has no script and loads
/// nothing.
public struct ContentPage {
    private var sections: [String] = []

    /// Findings of a check that have pictures.
    private static let shown = 6
    /// Pictures of a finding, and pixels between two.
    private static let (frames, gap) = (6, 4)
    /// Columns of a picture.
    private static let width = 160

    public init() {}

    /// Adds a camera of a dataset.
    ///
    /// - Parameter dataset: the one that the report is of.
    /// - Throws: `DataError` for pictures that cannot be read any more, `FormatError`.
    public mutating func add(_ report: ContentReport, of dataset: any RobotDataset, camera: Camera) throws {
        var lines = ["<h2>\(report.dataset.escapedForXML), \(report.camera.escapedForXML)</h2>"]
        lines.append("<p>\(report.episodes) episodes, \(report.frames) frames</p>\n<table>")
        for check in ContentCheck.allCases {
            lines.append(
                "<tr><td>\(check.rawValue)</td><td>\(report.summary(of: check))</td></tr>")
        }
        lines.append("</table>")
        let places = Dictionary(
            (0..<dataset.episodeCount).map { (dataset.episode($0).index, $0) }, uniquingKeysWith: { first, _ in first })
        let reader = try dataset.frames(of: camera, from: SharedReaders())
        for check in ContentCheck.allCases {
            let found = report.worst(of: check)
            guard !found.isEmpty else { continue }
            lines.append("<h3>\(check.rawValue)</h3>")
            for finding in found.prefix(Self.shown) {
                var picture = ""
                if let episode = finding.episode, let place = places[episode] {
                    let length = dataset.episode(place).length
                    let strip = try Self.strip(
                        reader.frames(episode: place, frames: Self.frames(of: finding, length: length)))
                    let data = Data(try strip.encoded()).base64EncodedString()
                    picture = "<img alt=\"\(check.rawValue)\" src=\"data:image/png;base64,\(data)\">"
                }
                lines.append("<figure>\(picture)<figcaption>\(finding.text.escapedForXML)</figcaption></figure>")
            }
            if found.count > Self.shown {
                let others = found.dropFirst(Self.shown).map { $0.text.escapedForXML }
                lines.append(
                    "<details><summary>\(others.count) more</summary><p>\(others.joined(separator: "<br>"))</p></details>"
                )
            }
        }
        sections.append(lines.joined(separator: "\n"))
    }

    /// The frames of a finding, from the one before it on, evenly spread; of the whole episode where it has none.
    static func frames(of finding: ContentFinding, length: Int) -> [Int] {
        let last = min(finding.frames?[1] ?? length - 1, length - 1)
        let first = max(0, min((finding.frames?[0] ?? 0) - 1, last))
        let end = finding.frames == nil ? last : min(last + 1, length - 1)
        let count = min(frames, end - first + 1)
        return (0..<count).map { first + $0 * (end - first) / max(1, count - 1) }
    }

    /// Pictures side by side, made smaller by leaving out pixels.
    static func strip(_ images: [RGBImage]) -> PNGImage {
        let sizes = images.map { image in
            let columns = min(width, image.width)
            return (columns: columns, rows: max(1, image.height * columns / image.width))
        }
        let across = sizes.reduce(0) { $0 + $1.columns } + gap * (images.count - 1)
        let down = sizes.map(\.rows).max() ?? 1
        var pixels = [UInt8](repeating: 255, count: across * down * 3)
        var left = 0
        for (image, size) in zip(images, sizes) {
            for y in 0..<size.rows {
                let line = y * image.height / size.rows * image.width
                for x in 0..<size.columns {
                    let source = (line + x * image.width / size.columns) * 3
                    let target = (y * across + left + x) * 3
                    for channel in 0..<3 { pixels[target + channel] = image.pixels[source + channel] }
                }
            }
            left += size.columns + gap
        }
        return PNGImage(width: across, height: down, pixels: pixels)
    }

    public var html: String {
        """
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><title>Content</title>
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
        <style>body{font:14px sans-serif;margin:2em auto;max-width:1040px;padding:0 1em}img{max-width:100%;height:auto}
        figure{margin:1em 0}figcaption{color:#555}table{border-collapse:collapse}
        td{border-bottom:1px solid #ddd;padding:.2em 1em .2em 0}</style></head>
        <body><h1>Content</h1>
        \(sections.joined(separator: "\n"))
        </body></html>

        """
    }
}
