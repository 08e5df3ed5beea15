import LatentEvaluation
import Testing

/// Exchanged latents on planted decoders, and what is said of them.
@Suite struct LatentControlTests {
    /// Pairs of one token with four channels of different size, whose second frame is the first plus a motion.
    private static func sums(effect: Double, own: Double = 1) -> ControlSums {
        let channels = 4, pairs = 60
        var numbers = Numbers()
        var currents: [[Float]] = [], targets: [[Float]] = [], motions: [[Double]] = []
        for _ in 0..<pairs {
            let current = numbers.next(channels), motion = numbers.next(channels)
            motions.append(motion)
            currents.append((0..<channels).map { Float(pow10($0) * current[$0]) })
            targets.append((0..<channels).map { Float(pow10($0) * (current[$0] + motion[$0])) })
        }
        var moments = ChannelMoments(channels: channels)
        for target in targets { moments.add(target[...]) }
        guard let standardization = moments.standardization else { return ControlSums() }
        let donors = LatentDonors(episodes: (0..<pairs).map { $0 / 10 }) { numbers.index(below: $0) }
        var sums = ControlSums()
        for pair in 0..<pairs {
            func prediction(_ latents: [Double]) -> ArraySlice<Float> {
                (0..<channels).map {
                    // A decoder that moves by its latents, and by half of the true motion without them.
                    let moved = effect * own * latents[$0] + (1 - effect) * 0.5 * motions[pair][$0]
                    return currents[pair][$0] + Float(pow10($0) * moved)
                }[...]
            }
            let latents: [LatentControl: [Double]] = [
                .own: motions[pair], .zero: [0, 0, 0, 0], .sameEpisode: motions[donors.sameEpisode[pair]],
                .otherEpisode: motions[donors.otherEpisode?[pair] ?? pair], .gaussian: numbers.next(channels),
            ]
            sums.add(
                latents.mapValues(prediction), current: currents[pair][...], target: targets[pair][...],
                standardization)
        }
        return sums
    }

    private static func pow10(_ place: Int) -> Double { [1, 10, 100, 0.01][place] }

    @Test("a decoder that uses its latents has a small error with its own alone, and all of the gain is theirs")
    func used() throws {
        let sums = Self.sums(effect: 1, own: 0.95)
        #expect(sums.pairs == 60)
        let own = try #require(sums.error(.own)), copy = try #require(sums.copyError)
        #expect(own < 0.01 && copy > 0.3)
        #expect(abs(try #require(sums.meanError) - 1) < 0.03)
        #expect(try #require(sums.error(.zero)) == copy)
        for control in [LatentControl.sameEpisode, .otherEpisode, .gaussian] {
            #expect(try #require(sums.error(control)) > copy, "\(control)")
        }
        #expect(abs(try #require(sums.shareOfGain) - 1) < 1e-6)
        #expect(try #require(sums.effectCorrelation) > 0.999)
        #expect(try #require(sums.distanceToCurrent(.zero)) == 0)
        let verdict = LatentVerdict(
            sums, probes: [("d", ActionProbeTests.scores(ActionProbeTests.planted(.action)))], latents: "codes")
        #expect(verdict.use == .used && verdict.meaning == .aboutAction)
        #expect(verdict.lines[0].contains("The codes are used") && verdict.lines[1].contains("about the action"))
    }

    @Test("a decoder that ignores its latents has the same error with all, and the verdict says so")
    func ignored() throws {
        let sums = Self.sums(effect: 0)
        let own = try #require(sums.error(.own))
        for control in LatentControl.allCases { #expect(sums.error(control) == own) }
        #expect(sums.shareOfGain == 0 && sums.effectCorrelation == nil)
        let verdict = LatentVerdict(sums, probes: [], latents: "codes")
        #expect(verdict.use == .unused && verdict.meaning == .unknown)
        #expect(
            verdict.lines[0]
                == "The codes are not used: the error with the codes of another episode is that with the own ones.")
        #expect(verdict.lines.last?.hasPrefix("Next: ") == true)
    }

    @Test("a model that does worse than copying is told so, whatever its latents do")
    func worse() {
        let verdict = LatentVerdict(Self.sums(effect: 1, own: 4), probes: [], latents: "latents")
        #expect(verdict.use == .notBetterThanCopy && verdict.lines[0].contains("no better than \"nothing changed\""))
    }

    @Test("latents that copy the frame are said to tell no more than the frame")
    func frame() {
        let verdict = LatentVerdict(
            Self.sums(effect: 1), probes: [("d", ActionProbeTests.scores(ActionProbeTests.planted(.frame)))],
            latents: "codes")
        #expect(verdict.meaning == .aboutFrame, "\(verdict.lines)")
        #expect(verdict.lines[1].contains("no more of the actions than the first frame alone"))
        #expect(verdict.lines[2].hasPrefix("Next: ") && verdict.lines[2].contains("scene"))
    }

    @Test("what was looked at is told where it says nothing of actions")
    func tooFew() {
        let scores = ActionProbeTests.scores(ActionProbeTests.planted(.action, episodes: 1))
        let verdict = LatentVerdict(Self.sums(effect: 1), probes: [("d", scores)], latents: "codes")
        #expect(verdict.meaning == .unknown && verdict.lines[1].contains("40 pairs of 1 episode were looked at"))
    }

    @Test("donors: the predecessor in the episode, and a pair of another one")
    func donors() {
        var numbers = Numbers()
        let episodes = [4, 1, 4, 1, 4, 9]
        let donors = LatentDonors(episodes: episodes) { numbers.index(below: $0) }
        #expect(donors.sameEpisode == [4, 3, 0, 1, 2, 5])
        for (pair, donor) in (donors.otherEpisode ?? []).enumerated() { #expect(episodes[pair] != episodes[donor]) }
        #expect(donors.otherEpisode?.count == 6)
        let alone = LatentDonors(episodes: [2, 2]) { _ in 0 }
        #expect(alone.otherEpisode == nil && alone.sameEpisode == [1, 0])
    }

    @Test("relations are 0 for latents that add up, and 3 and 2 for latents that have nothing to do with each other")
    func relations() throws {
        var exact = LatentRelations(), random = LatentRelations()
        #expect(exact.additivityError == nil && exact.reversalError == nil)
        var numbers = Numbers()
        for _ in 0..<2000 {
            func latents() -> [Float] { numbers.next(4).map { Float($0) } }
            let (a, b) = (latents(), latents())
            exact.add(a, b, zip(a, b).map { $0 + $1 }, a.map { -$0 })
            random.add(a, b, latents(), latents())
        }
        #expect(try #require(exact.additivityError) < 1e-12)
        #expect(exact.reversalError == 0)
        #expect(abs(try #require(random.additivityError) - 3) < 0.2)
        #expect(abs(try #require(random.reversalError) - 2) < 0.2)
    }
}
