extension DatasetTraces {
    /// Frames that have lost fine detail, by comparison with the camera's other frames: how much of it a scene has differs
    /// from dataset to dataset. Below `unsharp` nothing is sharp, whatever there is to compare with.
    ///
    /// - Returns: nil where fewer than half of the frames have detail to judge by.
    func blurred() -> [ContentFinding]? {
        let all = traces.flatMap(\.sharpness)
        let known = all.compactMap { $0 }.sorted()
        guard known.count * 2 > all.count else { return nil }
        let usual = known[known.count / 2]
        let limit = max(Self.unsharp, usual * Self.loss)
        return traces.flatMap { trace -> [ContentFinding] in
            let least = max(5, Int(trace.fps / 2))
            return trace.sharpness.indices.runs { trace.sharpness[$0].map { $0 < limit } ?? false }
                .filter { $0.count >= least }.map { run in
                    ContentFinding(
                        .blurred, episode: trace.episode, frames: run, extent: Double(run.count),
                        "\(run.count) frames are blurred")
                }
        }
    }

    /// An edge that a Gaussian of σ = 2.5 pixels of 256 has blurred.
    private static let unsharp: Float = 0.06
    /// Share of the usual sharpness that a hand before the lens, or motion that lasts, does not leave.
    private static let loss: Float = 0.5
}
