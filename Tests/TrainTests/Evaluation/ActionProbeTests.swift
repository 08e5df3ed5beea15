import LatentEvaluation
import Testing

/// What the probe of actions says of known relations.
@Suite struct ActionProbeTests {
    /// How the latents of a planted dataset come about.
    enum Plant {
        /// The actions of the chunk, turned and moved.
        case action
        /// What the first frame shows.
        case frame
        case nothing
    }

    /// Eight episodes of 40 pairs. Actions of one number follow the scene a little, and are else random.
    static func planted(_ plant: Plant, episodes: Int = 8, order: (Int) -> Int = { $0 }) -> ActionProbe {
        var probe = ActionProbe(actionWidth: 1, chunk: 2)
        for number in 0..<episodes * 40 {
            let place = order(number)
            var numbers = Numbers(state: UInt64(place) &* 77 + 5)
            for _ in 0..<4 { _ = numbers.next() }
            let scene = numbers.next(6), actions = numbers.next(3)
            let first = actions[0] + scene[0], last = actions[2]
            let target = [(first + actions[1]) / 2, last - first, first, actions[1]]
            let latents: [Double] =
                switch plant {
                case .action: [2 * first - 1, actions[1] + first, 3 * last]
                case .frame: [scene[0], scene[1] - scene[2], scene[3]]
                case .nothing: numbers.next(3)
                }
            probe.add(
                ActionProbe.Sample(
                    order: place, episode: place / 40, latents: latents,
                    frame: [10 * scene[0], 9 * scene[1], 9 * scene[2], 10 * scene[3]],
                    frameDifferences: [first + numbers.next(), numbers.next(), last + 2 * numbers.next()],
                    noise: numbers.next(3), target: target))
        }
        return probe
    }

    static func scores(_ probe: ActionProbe) -> ProbeScores {
        var numbers = Numbers(state: 3)
        return probe.scores(resamples: 200) { numbers.index(below: $0) }
    }

    @Test("latents that copy the actions explain them, by more than every rival")
    func action() throws {
        let scores = Self.scores(Self.planted(.action))
        #expect(scores.pairs == 320 && scores.episodes == 8)
        for target in ActionTarget.allCases {
            let own = try #require(scores.r2[target]?[.latents])
            #expect(own.value >= 0.99 && own.low <= own.value && own.value <= own.high, "\(target): \(own)")
            for rival in ActionProbe.Source.rivals {
                let lead = try #require(scores.lead[target]?[rival])
                #expect(lead.low > 0.1, "\(target), \(rival): \(lead)")
            }
            #expect(abs(try #require(scores.r2[target]?[.noise]).value) < 0.1)
        }
    }

    @Test("latents that copy the frame are no better than its principal components")
    func frame() throws {
        let scores = Self.scores(Self.planted(.frame))
        let (own, frame) = (try #require(scores.r2[.chunk]?[.latents]), try #require(scores.r2[.chunk]?[.frame]))
        #expect(own.value > 0.1 && abs(own.value - frame.value) < 0.05, "\(own), \(frame)")
        let lead = try #require(scores.lead[.chunk]?[.frame])
        #expect(abs(lead.value) < LatentVerdict.leastLead, "\(lead)")
    }

    @Test("of fewer pairs than a frame has numbers nothing is made up")
    func few() throws {
        var probe = ActionProbe(actionWidth: 1, chunk: 1)
        var numbers = Numbers()
        for pair in 0..<12 {
            let target = numbers.next(3)
            probe.add(
                ActionProbe.Sample(
                    order: pair, episode: pair % 3, latents: numbers.next(16), frame: numbers.next(64),
                    frameDifferences: numbers.next(16), noise: numbers.next(16), target: target))
        }
        for (target, sources) in Self.scores(probe).r2 {
            for (source, found) in sources {
                #expect((-30...1).contains(found.value), "\(target), \(source): \(found)")
            }
        }
    }

    @Test("joints that rest, whose noise nothing tells, hardly count")
    func resting() throws {
        var probe = ActionProbe(actionWidth: 4, chunk: 1)
        var numbers = Numbers(state: 9)
        for pair in 0..<320 {
            let acts = numbers.next(3)
            // Of four joints the first acts.
            var target: [Double] = []
            for act in acts {
                target.append(act)
                for rest in numbers.next(3) { target.append(0.01 * rest) }
            }
            probe.add(
                ActionProbe.Sample(
                    order: pair, episode: pair / 40, latents: acts, frame: numbers.next(4),
                    frameDifferences: numbers.next(3), noise: numbers.next(3), target: target))
        }
        for (target, sources) in Self.scores(probe).r2 {
            let own = try #require(sources[.latents])
            #expect(own.value > 0.99, "\(target): \(own)")
        }
    }

    @Test("what latents do not tell is not explained")
    func nothing() throws {
        let scores = Self.scores(Self.planted(.nothing))
        for target in ActionTarget.allCases { #expect(abs(try #require(scores.r2[target]?[.latents]).value) < 0.1) }
    }

    @Test("the order in which pairs come, of several ranks, changes nothing")
    func order() {
        let shuffled = Self.scores(Self.planted(.action) { ($0 * 77) % 320 })
        #expect(shuffled == Self.scores(Self.planted(.action)))
    }

    @Test("one episode, and actions that never change, have no score")
    func nothingToSay() {
        #expect(Self.scores(Self.planted(.action, episodes: 1)).r2.isEmpty)
        #expect(Self.scores(ActionProbe(actionWidth: 1, chunk: 1)).r2.isEmpty)
        var constant = ActionProbe(actionWidth: 1, chunk: 1)
        var numbers = Numbers()
        for pair in 0..<40 {
            constant.add(
                ActionProbe.Sample(
                    order: pair, episode: pair % 2, latents: numbers.next(3), frame: numbers.next(4),
                    frameDifferences: numbers.next(3), noise: numbers.next(3), target: [0.1, 0, 0.1]))
        }
        #expect(Self.scores(constant).r2.isEmpty)
    }

    @Test("a pair's targets are the mean action up to the target frame, the change, and evenly spaced actions")
    func target() {
        let actions: [[Double]] = [[1, 0], [2, 0], [6, 1], [7, .nan]]
        #expect(ActionTarget.values(actions, frame: 0, target: 2, chunk: 2) == [1.5, 0, 5, 1, 1, 0, 2, 0])
        #expect(ActionTarget.values(actions, frame: 0, target: 2, chunk: 1) == [1.5, 0, 5, 1, 1, 0])
        #expect(ActionTarget.values(actions, frame: 1, target: 3, chunk: 1) == nil, "not a number")
        #expect(ActionTarget.values(actions, frame: 1, target: 4, chunk: 1) == nil, "behind the end")
        #expect(ActionTarget.values(actions, frame: 1, target: 1, chunk: 1) == nil)
        #expect(ActionTarget.values([[1], [2, 3]], frame: 0, target: 1, chunk: 1) == nil, "of different widths")
        #expect(ActionTarget.chunk(ofSpan: 3) == 3 && ActionTarget.chunk(ofSpan: 32) == 8)
    }
}
