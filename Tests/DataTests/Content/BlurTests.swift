import Formats
import Foundation
import LAMData
import TestSupport
import Testing

/// Made pictures with fine detail: patches of all sizes, a spot that moves, and noise as a sensor has it.
private struct Scene {
    let width = 192
    let height = 108
    private let ground: [UInt8]

    init(seed: UInt64) {
        var random = SplitMix(state: seed)
        var ground = [UInt8](repeating: 110, count: width * height)
        for _ in 0..<120 {
            let (w, h) = (Int.random(in: 2...40, using: &random), Int.random(in: 2...30, using: &random))
            let (x, y) = (Int.random(in: 0..<width, using: &random), Int.random(in: 0..<height, using: &random))
            let value = UInt8.random(in: 20...235, using: &random)
            for row in y..<min(y + h, height) {
                for column in x..<min(x + w, width) { ground[row * width + column] = value }
            }
        }
        self.ground = ground
    }

    /// - Parameter blur: half of the side of a square whose mean a pixel becomes, twice over; 0 leaves it sharp.
    func picture(_ frame: Int, blur: Int = 0, noise: Int = 2) -> RGBImage {
        var gray = ground
        for row in 30..<60 {
            for column in 10 + frame..<30 + frame where column < width { gray[row * width + column] = 250 }
        }
        for _ in 0..<(blur > 0 ? 2 : 0) { gray = blurred(gray, blur) }
        var random = SplitMix(state: UInt64(frame) &* 31 &+ 7)
        return RGBImage(
            width: width, height: height,
            pixels: gray.flatMap { value -> [UInt8] in
                let level = UInt8(clamping: Int(value) + Int.random(in: -noise...noise, using: &random))
                return [level, level, level]
            })
    }

    private func blurred(_ gray: [UInt8], _ reach: Int) -> [UInt8] {
        var sums = [Int](repeating: 0, count: (width + 1) * (height + 1))
        for y in 0..<height {
            for x in 0..<width {
                sums[(y + 1) * (width + 1) + x + 1] =
                    Int(gray[y * width + x]) + sums[y * (width + 1) + x + 1] + sums[(y + 1) * (width + 1) + x]
                    - sums[y * (width + 1) + x]
            }
        }
        return (0..<width * height).map { place in
            let (x, y) = (place % width, place / width)
            let (left, right) = (max(0, x - reach), min(width, x + reach + 1))
            let (top, bottom) = (max(0, y - reach), min(height, y + reach + 1))
            let sum =
                sums[bottom * (width + 1) + right] - sums[top * (width + 1) + right] - sums[bottom * (width + 1) + left]
                + sums[top * (width + 1) + left]
            return UInt8(sum / ((right - left) * (bottom - top)))
        }
    }
}

@Suite("The check for blur")
struct BlurTests {
    private func report(_ details: [[PictureDetail?]]) -> ContentReport {
        let grid = PictureGrid(RGBImage(width: 16, height: 9, pixels: [UInt8](repeating: 90, count: 16 * 9 * 3)))
        let traces = details.enumerated().map { episode, values in
            EpisodeTrace(
                episode: episode, fps: 10, grids: Array(repeating: grid, count: values.count), actions: nil,
                details: values)
        }
        return ContentReport(dataset: "made", camera: "top", traces: traces, window: 8...8)
    }

    private func blurs(_ report: ContentReport) -> [ContentFinding] { report.findings.filter { $0.check == .blurred } }

    @Test("finds nothing in sharp episodes, whatever they show, and each episode that was out of focus for a while")
    func planted() throws {
        let scenes = (0..<50).map { Scene(seed: UInt64($0) + 1) }
        let sharp = scenes.map { scene in (0..<12).map { PictureDetail(scene.picture($0)) } }
        #expect(blurs(report(sharp)).isEmpty, "\(report(sharp).text())")
        #expect(report(sharp).verdicts["blurred"] == .sound)
        for blur in [2, 3, 5] {
            var planted = sharp
            for episode in stride(from: 0, to: 50, by: 7) {
                for frame in 3..<9 {
                    planted[episode][frame] = PictureDetail(scenes[episode].picture(frame, blur: blur))
                }
            }
            let found = blurs(report(planted))
            #expect(found.compactMap(\.episode) == Array(stride(from: 0, to: 50, by: 7)), "\(blur): \(found)")
            #expect(found.allSatisfy { $0.frames == [3, 8] }, "\(blur): \(found)")
        }
    }

    @Test("finds a camera that was never in focus")
    func always() {
        let blurred = (0..<20).map { seed in
            (0..<12).map { PictureDetail(Scene(seed: UInt64(seed) + 1).picture($0, blur: 6, noise: 0)) }
        }
        #expect(Set(blurs(report(blurred)).compactMap(\.episode)).count == 20)
    }

    @Test("does not know where there is no detail, and does not call dark or empty pictures blurred")
    func unknown() {
        let plain = RGBImage(width: 128, height: 72, pixels: [UInt8](repeating: 128, count: 128 * 72 * 3))
        let tiny = RGBImage(width: 16, height: 9, pixels: (0..<16 * 9 * 3).map { UInt8($0 % 251) })
        for image in [plain, tiny] {
            #expect(PictureDetail(image) == nil)
        }
        #expect(report([[nil, nil, nil], [nil, nil, nil]]).verdicts["blurred"] == .unknown)
        let usual = PictureDetail(fine: 6, share: 0.15)
        #expect(report([[usual, usual, nil], [usual, nil, usual]]).verdicts["blurred"] == .sound)
    }

    @Test("measures the same share of a picture that is half as bright, and less of all where there is less to see")
    func scale() throws {
        let image = Scene(seed: 5).picture(0, noise: 0)
        let usual = try #require(PictureDetail(image))
        let dark = try #require(
            PictureDetail(RGBImage(width: image.width, height: image.height, pixels: image.pixels.map { $0 / 2 })))
        #expect(abs(dark.share / usual.share - 1) < 0.05)
        #expect(abs(dark.fine / usual.fine - 0.5) < 0.05)
    }

    @Test("does not call a plain scene blurred, which has few edges but sharp ones")
    func plain() {
        let usual = PictureDetail(fine: 6, share: 0.15)
        let table = PictureDetail(fine: 1.5, share: 0.14)
        let mild = PictureDetail(fine: 4, share: 0.09)
        let busy = [[PictureDetail?]](repeating: Array(repeating: usual, count: 12), count: 8)
        for other in [table, mild] {
            #expect(blurs(report(busy + [Array(repeating: other, count: 12)])).isEmpty)
        }
        let found = blurs(report(busy + [Array(repeating: PictureDetail(fine: 1.5, share: 0.06), count: 12)]))
        #expect(found.map(\.episode) == [8])
    }

    @Test("tells what is worst first, and draws it on a page without scripts")
    func page() throws {
        let folder = try TemporaryFolder()
        try Film().write(folder.path("v <b>/a.mp4"), frames: 30)
        let dataset = try PlainVideoDataset(path: folder.path("v <b>"), name: "v <b>")
        let grids = (0..<30).map { frame in
            PictureGrid(RGBImage(width: 16, height: 9, pixels: [UInt8](repeating: frame > 20 ? 0 : 90, count: 432)))
        }
        let trace = EpisodeTrace(episode: 0, fps: 30, grids: grids, actions: nil)
        let report = ContentReport(dataset: dataset.name, camera: "top", traces: [trace], window: 8...8)
        #expect(report.worst(of: .black).map(\.frames) == [[21, 29]])
        var page = ContentPage()
        try page.add(report, of: dataset, camera: dataset.camera())
        #expect(page.html.contains("v &lt;b&gt;") && !page.html.contains("v <b>") && !page.html.contains("<script"))
        #expect(page.html.contains("data:image/png;base64,") && page.html.contains("frames 21 to 29"))
        for check in ContentCheck.allCases { #expect(page.html.contains("<td>\(check.rawValue)</td>")) }
        let start = try #require(page.html.range(of: "base64,"))
        let end = try #require(page.html.range(of: "\"", range: start.upperBound..<page.html.endIndex))
        let data = try #require(Data(base64Encoded: String(page.html[start.upperBound..<end.lowerBound])))
        // Six pictures of 64 columns with gaps of four.
        let strip = try PNGImage(png: [UInt8](data))
        #expect((strip.width, strip.height) == (6 * 64 + 5 * 4, 48))
    }
}
