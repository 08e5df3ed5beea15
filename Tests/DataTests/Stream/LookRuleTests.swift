import Foundation
import LAMData
import TestSupport
import Testing

@Suite("data.flip and data.channel_order")
struct LookRuleTests {
    private func image(_ name: String, _ change: (inout StreamOptions) -> Void) throws -> (RGBImage, [String]) {
        var options = StreamOptions(datasetMix: [.init(name, 1)], root: CaseDataset.path(""))
        change(&options)
        let source = try #require(try StreamSource.open(options).first)
        return (try source.makeFrames().frames(episode: 0, frames: [2])[0], source.notes)
    }

    @Test("turn pictures of the datasets, or cameras, that they name")
    func flips() throws {
        let (plain, _) = try image("shape_wrong") { _ in }
        for (orientation, mirrorsColumns, mirrorsRows) in [
            (FrameOrientation.horizontal, true, false), (.vertical, false, true), (.both, true, true),
        ] {
            for pattern in ["SHAPE", "wrong/observation.images.top", ""] {
                let (turned, notes) = try image("shape_wrong") {
                    $0.flips =
                        [.init(pattern: "other", orientation: .asStored)] + [
                            .init(pattern: pattern, orientation: orientation)
                        ]
                }
                let (x, y) = (5, 9)
                let column = mirrorsColumns ? plain.width - 1 - x : x
                let row = mirrorsRows ? plain.height - 1 - y : y
                let (from, to) = ((row * plain.width + column) * 3, (y * plain.width + x) * 3)
                #expect(turned.pixels[to..<to + 3].elementsEqual(plain.pixels[from..<from + 3]))
                #expect(notes.contains { $0.contains("by data.flip") })
            }
        }
    }

    @Test("exchange red and blue")
    func channels() throws {
        let (plain, _) = try image("shape_wrong") { _ in }
        let (exchanged, notes) = try image("shape_wrong") { $0.channelOrders = [.init(pattern: "shape", order: .bgr)] }
        #expect(plain.pixels[0] == exchanged.pixels[2] && plain.pixels[2] == exchanged.pixels[0])
        #expect(notes.contains { $0.contains("taken as BGR") })
    }

    @Test("LIBERO files without attributes are turned upright, and say so; the rule overrides that")
    func libero() throws {
        let key = StreamOptions.ImageKey(pattern: "", key: "agentview_rgb")
        let (assumed, notes) = try image("libero_goal_no_noops") { $0.imageKeys = [key] }
        #expect(notes.contains { $0.contains("mirrored top to bottom") && $0.contains("do not tell") })
        #expect(notes.contains { $0.contains("20 frames/s") })
        let (stored, others) = try image("libero_goal_no_noops") {
            $0.imageKeys = [key]
            $0.flips = [.init(pattern: "libero", orientation: .asStored)]
        }
        #expect(others.contains { $0.contains("as stored, by data.flip") })
        let row = stored.width * 3
        #expect(assumed.pixels.prefix(row) == stored.pixels.suffix(row))
        // The dark square that marks the lower left corner of every made picture is black.
        let corner = ((assumed.height - 4) * assumed.width + 3) * 3
        #expect(assumed.pixels[corner] > 10, "\(assumed.pixels[corner..<corner + 3])")
    }
}
