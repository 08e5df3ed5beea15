extension ReferenceBand {
    /// What docs/reference-curves.md has of runs of our own.
    package static let all: [ReferenceBand] = [
        ReferenceBand(
            name: "config/evidence.yaml on 53 episodes of a Unitree G1", seeds: 3, visionEncoder: "pixels",
            parameters: 1_711_776,
            points: [
                Point(pairs: 3_200, low: 1.042, high: 1.068), Point(pairs: 6_400, low: 0.850, high: 0.876),
                Point(pairs: 9_600, low: 0.749, high: 0.756), Point(pairs: 12_800, low: 0.686, high: 0.691),
                Point(pairs: 16_000, low: 0.647, high: 0.709), Point(pairs: 19_200, low: 0.571, high: 0.590),
                Point(pairs: 22_400, low: 0.565, high: 0.615),
            ])
    ]
}
