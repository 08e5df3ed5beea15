import DataCore
import Video

/// What the checks of content look at of one episode.
package struct EpisodeTrace: Sendable {
    /// `episode_index`.
    package let episode: Int
    package let fps: Double
    /// Of each frame.
    package let grids: [PictureGrid]
    /// A row per frame; nil where there are none.
    package let actions: [[Double]]?
    /// How sharp each frame is; nil where there is nothing to judge by.
    package let details: [PictureDetail?]

    package init(
        episode: Int, fps: Double, grids: [PictureGrid], actions: [[Double]]?, details: [PictureDetail?]? = nil
    ) {
        (self.episode, self.fps, self.grids, self.actions) = (episode, fps, grids, actions)
        self.details = details ?? Array(repeating: nil, count: grids.count)
    }

    /// Of each frame from the one before it, from frame 1 on.
    var differences: [Double] { zip(grids.dropFirst(), grids).map { $0.difference(from: $1) } }

    /// How much the actions change, from frame 1 on; nil where they are no numbers.
    var actionSteps: [Double]? {
        guard let actions, actions.count == grids.count, actions.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
            return nil
        }
        return zip(actions.dropFirst(), actions).map { next, row in
            zip(next, row).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        }
    }

    /// What is wrong with the episode by itself.
    ///
    /// - Parameter window: frames that a pair spans.
    package func findings(window: ClosedRange<Int>) -> [ContentFinding] {
        guard grids.count >= window.lowerBound else {
            return [
                ContentFinding(
                    .short, episode: episode, extent: Double(window.lowerBound - grids.count),
                    "expected at least \(window.lowerBound) frames for a pair, got \(grids.count)")
            ]
        }
        return still(window) + frozen() + jumps()
            + run(.black, "black") { $0 < Self.dark } + run(.overexposed, "overexposed") { $0 > Self.bright }
            + numbers()
    }

    /// Levels of 255.
    private static let (dark, bright) = (6.0, 249.0)
    /// What a cell changes by noise and compression.
    private static let noise = 3.0
    /// A jump of the light, and how much of the picture may change besides.
    private static let (lightJump, shape) = (25.0, 8.0)
    private static let shortestRun = 3

    private func still(_ window: ClosedRange<Int>) -> [ContentFinding] {
        let step = (window.lowerBound + window.upperBound) / 2 - 1
        let pairs = max(0, grids.count - step)
        guard pairs > 0 else { return [] }
        let still = (0..<pairs).count { grids[$0 + step].largestDifference(from: grids[$0]) < Self.noise }
        guard still * 2 > pairs else { return [] }
        return [
            ContentFinding(
                .still, episode: episode, extent: Double(still) / Double(pairs),
                "\(still) of \(pairs) pairs show nothing that moved")
        ]
    }

    private func frozen() -> [ContentFinding] {
        guard let steps = actionSteps else { return [] }
        let least = max(5, Int(fps / 2))
        return grids.indices.runs { $0 > 0 && grids[$0] == grids[$0 - 1] }.filter { $0.count >= least }.compactMap {
            run in
            let moving = run.count { steps[$0 - 1] > 1e-6 }
            guard moving * 2 > run.count else { return nil }
            return ContentFinding(
                .frozen, episode: episode, frames: run, extent: Double(run.count),
                "\(run.count) equal frames while the actions change")
        }
    }

    private func jumps() -> [ContentFinding] {
        PictureGrid.cuts(differences).map { frame in
            let (grid, before) = (grids[frame], grids[frame - 1])
            let jump = abs(grid.brightness - before.brightness)
            let isLight = jump >= Self.lightJump && grid.shapeDifference(from: before) < Self.shape
            return ContentFinding(
                isLight ? .exposure : .cut, episode: episode, frames: frame...frame,
                extent: grid.difference(from: before),
                isLight ? "the light jumps by \(Int(jump)) levels" : "another shot begins")
        }
    }

    private func run(_ check: ContentCheck, _ word: String, _ isOdd: (Double) -> Bool) -> [ContentFinding] {
        grids.indices.runs { isOdd(grids[$0].brightness) }.filter { $0.count >= Self.shortestRun }.map {
            ContentFinding(
                check, episode: episode, frames: $0, extent: Double($0.count), "\($0.count) frames are \(word)")
        }
    }

    private func numbers() -> [ContentFinding] {
        guard let actions, let row = actions.firstIndex(where: { !$0.allSatisfy(\.isFinite) }) else { return [] }
        let count = actions.count { !$0.allSatisfy(\.isFinite) }
        return [
            ContentFinding(
                .actions, episode: episode, frames: row...row, extent: Double(count), "an action is no number")
        ]
    }
}

extension Range<Int> {
    /// Numbers in a row for which something holds.
    func runs(_ holds: (Int) -> Bool) -> [ClosedRange<Int>] {
        var runs: [ClosedRange<Int>] = []
        var start: Int?
        for number in self {
            if holds(number) {
                start = start ?? number
            } else if let first = start {
                runs.append(first...number - 1)
                start = nil
            }
        }
        if let start { runs.append(start...upperBound - 1) }
        return runs
    }
}
