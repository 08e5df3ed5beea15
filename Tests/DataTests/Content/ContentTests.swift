import Foundation
import LAMData
import TestSupport
import Testing

/// Made episodes: a spot that goes where the actions say, over a ground that differs from episode to episode.
private enum Made {
    static func picture(_ x: Double, _ y: Double, ground: UInt8, light: Int = 0) -> PictureGrid {
        let (width, height) = (128, 72)
        var pixels: [UInt8] = []
        pixels.reserveCapacity(width * height * 3)
        for row in 0..<height {
            for column in 0..<width {
                let (right, down) = (Double(column) - x, Double(row) - y)
                let value = right * right + down * down < 150 ? 220 : Int(ground) + column / 4
                pixels += [
                    UInt8(clamping: value + light), UInt8(clamping: value / 2 + light), UInt8(clamping: value + light),
                ]
            }
        }
        return PictureGrid(RGBImage(width: width, height: height, pixels: pixels))
    }

    /// - Parameter delay: frames by which pictures follow the actions.
    static func episode(_ number: Int, frames: Int = 60, delay: Int = 0) -> EpisodeTrace {
        var random = SplitMix(state: UInt64(number) &* 977 &+ 5)
        var (x, y) = (Double.random(in: 30...90, using: &random), Double.random(in: 20...50, using: &random))
        var path: [(Double, Double)] = []
        for frame in 0..<frames + delay {
            // Bursts of motion, as of a hand that reaches and waits.
            let isMoving = (frame / 7 + number) % 3 != 0
            if isMoving {
                x = min(max(x + Double.random(in: -6...6, using: &random), 15), 110)
                y = min(max(y + Double.random(in: -5...5, using: &random), 12), 60)
            }
            path.append((x, y))
        }
        return EpisodeTrace(
            episode: number, fps: 10,
            grids: (0..<frames).map { picture(path[$0].0, path[$0].1, ground: UInt8(40 + number % 40)) },
            actions: (0..<frames).map { [path[$0 + delay].0, path[$0 + delay].1] })
    }

    static func with(_ trace: EpisodeTrace, grids: [PictureGrid]? = nil, actions: [[Double]]?? = nil) -> EpisodeTrace {
        EpisodeTrace(
            episode: trace.episode, fps: trace.fps, grids: grids ?? trace.grids, actions: actions ?? trace.actions)
    }
}

@Suite("Checks of content")
struct ContentTests {
    private func report(_ traces: [EpisodeTrace]) -> ContentReport {
        ContentReport(dataset: "made", camera: "top", traces: traces, window: 8...8)
    }

    private func checks(_ trace: EpisodeTrace) -> Set<ContentCheck> { Set(trace.findings(window: 8...8).map(\.check)) }

    @Test("find nothing in clean episodes")
    func clean() {
        let report = report((0..<60).map { Made.episode($0) })
        #expect(Set(report.findings.compactMap(\.episode)).count <= 1, "\(report.text())")
        #expect(report.verdicts["lag"] == .sound, "\(report.text())")
        #expect(report.verdicts["frozen"] == .sound && report.verdicts["actions"] == .sound)
    }

    @Test("find what is planted in an episode, and nothing else there")
    func planted() {
        let trace = Made.episode(1)
        #expect(checks(trace).isEmpty)
        #expect(checks(Made.with(trace, grids: Array(trace.grids.prefix(5)), actions: .some(nil))) == [.short])
        let still = [PictureGrid](repeating: trace.grids[0], count: 60)
        #expect(checks(Made.with(trace, grids: still, actions: .some(nil))) == [.still])
        var frozen = trace.grids
        for frame in 21...40 { frozen[frame] = frozen[20] }
        #expect(checks(Made.with(trace, grids: frozen)).contains(.frozen))
        var black = trace.grids
        let dark = PictureGrid(RGBImage(width: 16, height: 9, pixels: [UInt8](repeating: 2, count: 16 * 9 * 3)))
        for frame in 30...34 { black[frame] = dark }
        #expect(checks(Made.with(trace, grids: black)).isSuperset(of: [.black, .cut]))
        let glare = PictureGrid(RGBImage(width: 16, height: 9, pixels: [UInt8](repeating: 255, count: 16 * 9 * 3)))
        #expect(
            checks(Made.with(trace, grids: Array(trace.grids.dropLast(5)) + [PictureGrid](repeating: glare, count: 5)))
                .contains(.overexposed))
        let other = Made.episode(30, frames: 30)
        #expect(
            checks(Made.with(trace, grids: Array(trace.grids.prefix(30)) + other.grids.map { _ in dark })).contains(
                .cut))
        var actions = trace.actions ?? []
        actions[7][1] = .nan
        #expect(checks(Made.with(trace, actions: .some(actions))) == [.actions])
    }

    @Test("tell a jump of the light from a cut")
    func light() {
        let grids = (0..<40).map { Made.picture(30 + Double($0) / 2, 30, ground: 40, light: $0 < 20 ? 0 : 35) }
        let trace = EpisodeTrace(episode: 0, fps: 10, grids: grids, actions: nil)
        let found = trace.findings(window: 8...8)
        #expect(found.contains { $0.check == .exposure && $0.frames == [20, 20] })
        #expect(!found.contains { $0.check == .cut })
    }

    @Test("find dead numbers, doubled episodes and pictures that come late, and know when they do not know")
    func together() {
        let clean = (0..<20).map { Made.episode($0) }
        let dead = clean.map { trace in Made.with(trace, actions: .some(trace.actions?.map { $0 + [0.5] })) }
        #expect(report(dead).findings.map(\.what) == ["action 2 is 0.5 in all 1200 frames"])

        let first = clean[3]
        let double = EpisodeTrace(episode: 99, fps: 10, grids: first.grids, actions: first.actions)
        let doubled = report(clean + [double])
        #expect(doubled.findings.map(\.episode) == [99] && doubled.findings[0].check == .duplicate)
        #expect(doubled.excluded == [99])

        let late = report((0..<20).map { Made.episode($0, delay: 5) })
        // Made pictures have no noise, so that pauses of the hand that come late are frozen as well.
        let lag = late.findings.filter { $0.check == .lag }
        #expect(lag.count == 1 && lag[0].what.contains("follow the actions by 5 frames"), "\(late.text())")

        let silent = report(clean.map { Made.with($0, actions: .some(nil)) })
        for check in ["lag", "frozen", "actions"] { #expect(silent.verdicts[check] == .unknown) }
        #expect(silent.verdicts["cut"] == .sound)
    }

    @Test("look at every frame of a dataset, and name episodes for data.exclude_episodes")
    func dataset() throws {
        let dataset = try SampleDatasets.open("toto_push_lf_v21")
        let report = try ContentReport(
            dataset: dataset, camera: dataset.cameras[0], window: 3...5, threads: 2)
        #expect(report.frames == dataset.totalFrames && report.episodes == dataset.episodes.count)
        #expect(Set(report.verdicts.keys) == Set(ContentCheck.allCases.map(\.rawValue)))
        #expect(report.text().split(separator: "\n").count > ContentCheck.allCases.count)
    }
}
