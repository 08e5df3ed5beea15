import Foundation
import Hub

/// How fast a stream delivers on this machine.
public struct StreamBenchmark: Codable, Sendable, Hashable {
    /// Batches and samples taken after the first batch.
    public var batches: Int
    public var samples: Int
    /// From before the datasets are opened until the first batch is there.
    public var secondsToFirstBatch: Double
    /// For the batches after the first one.
    public var seconds: Double
    /// Largest resident set of this process so far.
    public var peakResidentBytes: Int
    /// What the stream was to take at most.
    public var predictedBytes = 0
    /// Bytes of pixels in a batch.
    public var bytesPerBatch: Int

    /// For the batches after the first one.
    public var samplesPerSecond = 0.0

    /// Opens a stream and takes batches as fast as they come.
    ///
    /// - Parameter batches: Batches to take after the first; a finite split may end earlier.
    /// - Throws: What opening the stream or taking a batch throws.
    public static func run(
        _ options: StreamOptions, split: EpisodeSplit = .train, batches: Int, hub: HubAccess? = nil
    ) throws -> StreamBenchmark {
        let clock = ContinuousClock()
        let start = clock.now
        let stream = try FramePairStream(options, split: split, hub: hub)
        let first = try stream.next()
        let begin = clock.now
        var result = StreamBenchmark(
            batches: 0, samples: 0, secondsToFirstBatch: (begin - start) / .seconds(1), seconds: 0,
            peakResidentBytes: 0, bytesPerBatch: first?.pixels.count ?? 0)
        result.predictedBytes = stream.memory?.total ?? 0
        while result.batches < batches, let batch = try stream.next() {
            result.batches += 1
            result.samples += batch.samples.count
        }
        result.seconds = (clock.now - begin) / .seconds(1)
        result.samplesPerSecond = result.seconds > 0 ? Double(result.samples) / result.seconds : 0
        result.peakResidentBytes = peakResidentBytes()
        return result
    }

    /// The largest resident set of this process so far.
    public static func peakResidentBytes() -> Int {
        // getrusage() would count the process that started this one, too.
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        // In units of 1024 bytes, which Linux calls kB.
        return (line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
    }
}
