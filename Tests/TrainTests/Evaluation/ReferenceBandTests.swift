import LatentEvaluation
import Testing

/// Holding a run against others.
@Suite struct ReferenceBandTests {
    private static let bands = ReferenceBand.all

    @Test(
        "a run lies inside, above or below the band at its number of pairs, and nowhere before the first",
        arguments: bands.indices)
    func places(index: Int) throws {
        let band = Self.bands[index]
        for point in band.points {
            #expect(point.low <= point.high)
            func words(_ share: Double) throws -> String {
                try #require(band.words(share: share, pairs: point.pairs))
            }
            #expect(try words((point.low + point.high) / 2).contains("is inside the band"))
            #expect(try words(point.low - 0.001).contains("is below the band"))
            #expect(try words(point.high + 0.001).contains("is above the band"))
        }
        let first = try #require(band.points.first), last = try #require(band.points.last)
        #expect(band.words(share: 0.5, pairs: first.pairs - 1) == nil)
        #expect(try #require(band.words(share: last.low, pairs: 10 * last.pairs)).contains("after \(last.pairs) ("))
        for (a, b) in zip(band.points, band.points.dropFirst()) {
            // Half way in the logarithm of the pairs the band is half way between its points.
            let middle = Int((Double(a.pairs) * Double(b.pairs)).squareRoot().rounded())
            let high = (a.high + b.high) / 2
            #expect(a.pairs < b.pairs)
            #expect(try #require(band.words(share: high + 0.001, pairs: middle)).contains("above"))
            #expect(try #require(band.words(share: high - 0.001, pairs: middle)).contains("inside"))
        }
    }

    @Test("the nearest configuration has the same vision encoder and the nearest size")
    func nearest() throws {
        for band in Self.bands {
            let found = ReferenceBand.nearest(visionEncoder: band.visionEncoder, parameters: band.parameters)
            #expect(found?.name == band.name)
        }
        #expect(ReferenceBand.nearest(visionEncoder: "none", parameters: 1) == nil)
    }
}
