import Foundation
import LAMData
import Synchronization

/// A reader of made-up pictures: every frame has one colour that names it.
final class FakeFrames: FrameProvider {
    struct Broken: Error {}

    enum Shape: Sendable {
        case normal, tooFew, empty
    }

    /// Counts frames read, over all threads.
    final class Log: Sendable {
        private let count = Mutex(0)
        var reads: Int { count.withLock { $0 } }
        func add(_ frames: Int) { count.withLock { $0 += frames } }
    }

    private let isStill: Bool
    private let delay: Double
    private let shape: Shape
    private let log: Log?
    private let failAt: [Int]?

    private init(isStill: Bool, delay: Double, shape: Shape, log: Log?, failAt: [Int]?) {
        (self.isStill, self.delay, self.shape, self.log, self.failAt) = (isStill, delay, shape, log, failAt)
    }

    static func color(episode: Int, frame: Int) -> [UInt8] {
        [UInt8(episode * 20 + 10), UInt8(frame * 3), UInt8(200 - frame * 2)]
    }

    /// - Parameter failAt: Episode and frame whose reading fails.
    static func source(
        name: String, weight: Double, lengths: [Int], isStill: Bool = false, delay: Double = 0, shape: Shape = .normal,
        log: Log? = nil, failAt: [Int]? = nil
    ) -> StreamSource {
        StreamSource(
            name: name, weight: weight, fps: 10, camera: "observation.image",
            episodes: lengths.enumerated().map {
                RobotEpisode(index: $0, length: $1, tasks: ["task of \($0)"])
            },
            makeFrames: { FakeFrames(isStill: isStill, delay: delay, shape: shape, log: log, failAt: failAt) })
    }

    func frames(episode: Int, frames: [Int]) throws -> [RGBImage] {
        log?.add(frames.count)
        if delay > 0 { Thread.sleep(forTimeInterval: delay) }
        if let failAt, failAt[0] == episode, frames.contains(failAt[1]) { throw Broken() }
        switch shape {
        case .tooFew: return []
        case .empty: return frames.map { _ in RGBImage(width: 0, height: 0, pixels: []) }
        case .normal: return frames.map { picture(episode: episode, frame: $0) }
        }
    }

    private func picture(episode: Int, frame: Int) -> RGBImage {
        let (width, height) = (16, 12)
        if isStill {
            let pixels = (0..<(width * height * 3)).map { UInt8($0 * 7 % 256) }
            return RGBImage(width: width, height: height, pixels: pixels)
        }
        let color = Self.color(episode: episode, frame: frame)
        return RGBImage(
            width: width, height: height, pixels: (0..<(width * height)).flatMap { _ in color })
    }
}
