import Video

extension DatasetTraces {
    /// Frames that have lost fine detail, by comparison with the camera's other frames: how much of it there is differs from
    /// dataset to dataset. Below `unsharp` nothing is sharp, whatever there is to compare with.
    ///
    /// - Returns: nil where fewer than half of the frames have detail to judge by.
    func blurred() -> [ContentFinding]? {
        let all = traces.flatMap(\.details)
        let known = all.compactMap { $0 }
        guard known.count * 2 > all.count else { return nil }
        let usual = PictureDetail(
            fine: known.map(\.fine).sorted()[known.count / 2], share: known.map(\.share).sorted()[known.count / 2])
        func isBlurred(_ detail: PictureDetail) -> Bool {
            detail.share < Self.unsharp
                || detail.fine < usual.fine * Self.fineLeft && detail.share < usual.share * Self.shareLeft
        }
        return traces.flatMap { trace -> [ContentFinding] in
            let least = max(5, Int(trace.fps / 2))
            return trace.details.indices.runs { trace.details[$0].map(isBlurred) ?? false }
                .filter { $0.count >= least }.map { run in
                    ContentFinding(
                        .blurred, episode: trace.episode, frames: run, extent: Double(run.count),
                        "\(run.count) frames are blurred")
                }
        }
    }

    /// Share of a picture in which no edge is narrower than about seven pixels of 256.
    private static let unsharp: Float = 0.03
    /// Shares of what is usual that a lens out of focus, or motion that lasts, does not leave.
    private static let (fineLeft, shareLeft): (Float, Float) = (0.5, 0.7)
}
