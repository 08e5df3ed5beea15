/// What a probe predicts of the actions between the frames of a pair.
package enum ActionTarget: String, CaseIterable, Sendable {
    /// The mean action from the first frame to the one before the second.
    case mean
    /// The action at the second frame minus that at the first.
    case change
    /// The actions at up to eight evenly spaced frames from the first on.
    case chunk

    /// Actions in a chunk, where the frames are so far apart.
    package static let longestChunk = 8

    package var words: String {
        switch self {
        case .mean: "mean action"
        case .change: "change of action"
        case .chunk: "chunk of actions"
        }
    }

    /// The places of a target's numbers in `values(…)`.
    ///
    /// - Parameter actionWidth: numbers of an action.
    package func range(actionWidth: Int, chunk: Int) -> Range<Int> {
        switch self {
        case .mean: 0..<actionWidth
        case .change: actionWidth..<2 * actionWidth
        case .chunk: 2 * actionWidth..<(2 + chunk) * actionWidth
        }
    }

    /// All that is predicted of a pair, `[mean, change, chunk]`; nil where an action is missing or not a number.
    ///
    /// - Parameters:
    ///   - actions: of the episode, a row per frame.
    ///   - frame: first frame of the pair, and `target` the second one.
    ///   - chunk: actions in a chunk: those at `frame + k (target - frame) / chunk`, rounded down.
    package static func values(_ actions: [[Double]], frame: Int, target: Int, chunk: Int) -> [Double]? {
        guard frame >= 0, frame < target, target < actions.count, chunk > 0 else { return nil }
        let window = actions[frame..<target], count = Double(target - frame)
        let width = actions[frame].count
        guard actions[frame...target].allSatisfy({ $0.count == width }) else { return nil }
        let mean = (0..<width).map { place in window.reduce(0) { $0 + $1[place] } / count }
        let change = zip(actions[target], actions[frame]).map { $0 - $1 }
        let parts = (0..<chunk).flatMap { actions[frame + $0 * (target - frame) / chunk] }
        let all = mean + change + parts
        return all.allSatisfy(\.isFinite) ? all : nil
    }

    /// Actions in the chunk of pairs whose frames are at least so many frames apart.
    package static func chunk(ofSpan span: Int) -> Int { max(1, min(longestChunk, span)) }
}
