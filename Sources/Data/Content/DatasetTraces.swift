import Video

/// What is kept of an episode once it was looked at: pictures of a whole dataset would not fit into memory.
struct EpisodeSummary: Sendable {
    /// `episode_index`.
    let episode: Int
    let frames: Int
    let findings: [ContentFinding]
    /// Eight pictures, evenly spread.
    let marks: [PictureGrid]
    /// How much pictures and actions change, from frame 1 on; nil where there are no actions, or some that are no numbers.
    let changes: [Double]
    let steps: [Double]?
    let actionRows: Int
    let firstAction: [Double]?
    /// Of each frame; nil where there is nothing to judge by.
    let details: [PictureDetail?]
    let fps: Double
    /// Whether each number of the actions is the same in all frames.
    let isConstant: [Bool]

    init(_ trace: EpisodeTrace, window: ClosedRange<Int>) {
        (episode, frames) = (trace.episode, trace.grids.count)
        findings = trace.findings(window: window)
        marks = (0..<8).map { trace.grids[$0 * (trace.grids.count - 1) / 7] }
        (changes, steps) = (trace.differences, trace.actionSteps)
        (details, fps) = (trace.details, trace.fps)
        let actions = trace.actions ?? []
        (actionRows, firstAction) = (actions.count, actions.first)
        isConstant = (actions.first ?? []).indices.map { column in
            actions.allSatisfy { $0.count > column && $0[column] == actions[0][column] }
        }
    }
}

/// What only several episodes together tell.
struct DatasetTraces {
    let traces: [EpisodeSummary]

    /// Numbers of an action that are the same in all frames; nil where there is too little to say so.
    func deadActions() -> [ContentFinding]? {
        let rows = traces.reduce(0) { $0 + $1.actionRows }
        let own = traces.filter { $0.firstAction != nil }
        guard rows >= 50, let first = own.first?.firstAction, own.allSatisfy({ $0.isConstant.count == first.count })
        else { return nil }
        return first.indices.filter { column in
            own.allSatisfy { $0.isConstant[column] && $0.firstAction?[column] == first[column] }
        }.map {
            ContentFinding(
                .actions, episode: nil, extent: Double(rows), "action \($0) is \(first[$0]) in all \(rows) frames")
        }
    }

    /// Frames by which pictures follow the actions, where they do so clearly; nil where nothing is clear.
    ///
    /// The correlation of how much pictures change with how much actions do is summed over all episodes, for each shift.
    func lag() -> [ContentFinding]? {
        var sums = [Double](repeating: 0, count: 2 * Self.reach + 1)
        var weight = 0.0
        for trace in traces {
            guard let steps = trace.steps, steps.count > 4 * Self.reach else { continue }
            guard let own = Self.correlations(trace.changes, steps) else { continue }
            for (place, value) in own.enumerated() { sums[place] += value * Double(steps.count) }
            weight += Double(steps.count)
        }
        guard weight > 0 else { return nil }
        let means = sums.map { $0 / weight }
        guard let best = means.indices.max(by: { means[$0] < means[$1] }), means[best] > 0.4 else { return nil }
        let lag = best - Self.reach
        guard abs(lag) >= 3, means[best] - means[Self.reach] > 0.15 else { return [] }
        return [
            ContentFinding(
                .lag, episode: nil, extent: Double(abs(lag)),
                "pictures \(lag > 0 ? "follow" : "precede") the actions by \(abs(lag)) frames "
                    + "(correlation \((means[best] * 100).rounded() / 100))")
        ]
    }

    private static let reach = 12

    /// By shift of the pictures against the actions, from -reach to reach; nil where one of both never varies.
    static func correlations(_ pictures: [Double], _ actions: [Double]) -> [Double]? {
        func normal(_ values: ArraySlice<Double>) -> [Double]? {
            let mean = values.reduce(0, +) / Double(values.count)
            let spread = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }.squareRoot()
            return spread > 1e-9 ? values.map { ($0 - mean) / spread } : nil
        }
        let count = min(pictures.count, actions.count)
        var result: [Double] = []
        for shift in -reach...reach {
            let range = max(0, -shift)..<min(count, count - shift)
            guard let one = normal(pictures[range.lowerBound + shift..<range.upperBound + shift]),
                let two = normal(actions[range])
            else { return nil }
            result.append(zip(one, two).reduce(0) { $0 + $1.0 * $1.1 })
        }
        return result
    }

    /// Episodes that show what an earlier one shows; nil where there are too many to compare.
    func duplicates() -> [ContentFinding]? {
        guard traces.count <= 3000 else { return nil }
        var findings: [ContentFinding] = []
        for later in traces.indices.dropFirst() {
            let length = Double(traces[later].frames)
            for earlier in 0..<later where abs(Double(traces[earlier].frames) - length) <= 0.1 * length {
                // Most episodes of one scene already differ in their first picture.
                let isSame = zip(traces[later].marks, traces[earlier].marks).allSatisfy {
                    $0.largestDifference(from: $1) < 4
                }
                // Where nothing moves at all, all episodes look alike.
                let moves = traces[later].marks.contains { $0.largestDifference(from: traces[later].marks[0]) >= 8 }
                guard isSame, moves else { continue }
                findings.append(
                    ContentFinding(
                        .duplicate, episode: traces[later].episode, extent: length,
                        "shows what episode \(traces[earlier].episode) shows"))
                break
            }
        }
        return findings
    }
}
