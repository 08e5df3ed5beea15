import Foundation
import LAMData
import Randomness
import TestSupport
import Testing

@Suite struct WindowRuleTests {
    private struct Samples: Decodable { var window_rule: [String: [Int]] }

    @Test("names give the original's windows, whatever the frame rate, where they match a list")
    func names() throws {
        let data = try Data(contentsOf: Goldens.url("data/samples/samples.json"))
        let rule = try JSONDecoder().decode(Samples.self, from: data).window_rule
        #expect(rule.count > 20)
        for (name, windows) in rule {
            #expect(Array(WindowRule(name: name, fps: nil).frames) == windows, "\(name)")
            #expect(Array(WindowRule(name: name, fps: 10).frames) == windows, "\(name)")
            if windows != [10] {
                #expect(Array(WindowRule(name: name, fps: 4).frames) == windows, "\(name)")
                #expect(Array(WindowRule(name: name, fps: 30).frames) == windows, "\(name)")
            }
        }
    }

    @Test(
        "other names go by frame rate",
        arguments: [
            (1, 10...10), (2.99, 10...10), (3, 3...5), (4.5, 3...5), (5, 3...5), (5.01, 10...10), (10, 10...10),
            (14.9, 10...10), (15, 15...20), (29.97, 15...20), (30, 15...20), (50, 10...10), (.infinity, 10...10),
        ] as [(Double, ClosedRange<Int>)])
    func frameRates(_ fps: Double, _ frames: ClosedRange<Int>) {
        #expect(WindowRule(name: "lerobot/pusht", fps: fps).frames == frames)
    }

    @Test("draws are uniform over the range and reproducible")
    func draws() {
        for (name, frames) in [("my_toto_set", 3...5), ("droid", 15...20), ("ego4d", 2...2), ("pusht", 10...10)] {
            let rule = WindowRule(name: name, fps: 10)
            var generator = RandomGenerator(seed: 42, purpose: "test")
            var again = generator
            var counts = Array(repeating: 0, count: frames.count)
            for _ in 0..<600 {
                let window = rule.draw(using: &generator) ?? 0
                #expect(window == rule.draw(using: &again))
                counts[window - frames.lowerBound] += 1
            }
            let equal = Array(repeating: 1 / Double(frames.count), count: frames.count)
            #expect(ChiSquare.pValue(observed: counts, probabilities: equal) > 1e-4, "\(name): \(counts)")
        }
    }

    @Test("only windows that fit are drawn")
    func feasible() {
        let rule = WindowRule(name: "droid", fps: 30)
        var generator = RandomGenerator(seed: 1, purpose: "test")
        #expect(rule.draw(available: 14, using: &generator) == nil)
        #expect(Set((0..<100).map { _ in rule.draw(available: 16, using: &generator) }) == [15, 16])
    }

    @Test("the original's mode draws once, by name only")
    func originalMode() {
        func frames(_ name: String, _ fps: Double, seed: UInt64) -> ClosedRange<Int> {
            WindowRule(option: .original, name: name, fps: fps, seed: seed, dataset: 0).frames
        }
        #expect(frames("pusht", 30, seed: 1) == 10...10)
        let drawn = (0..<60).map { frames("droid", 30, seed: $0) }
        #expect(drawn.allSatisfy { $0.count == 1 } && Set(drawn.map(\.lowerBound)) == Set(15...20))
        #expect(frames("droid", 30, seed: 3) == frames("droid", 30, seed: 3))
    }

    @Test("the option is spelled auto, original or a number")
    func spelling() {
        #expect(WindowOption("auto") == .auto)
        #expect(WindowOption("original") == .original)
        #expect(WindowOption("12") == .fixed(12))
        #expect(WindowOption("often") == nil && WindowOption("") == nil)
        #expect(WindowRule(option: .fixed(12), name: "ego4d", fps: 30, seed: 0, dataset: 0).frames == 12...12)
    }
}
