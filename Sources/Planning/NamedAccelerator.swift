import LAMTrain
import Reports

/// An accelerator that runs are planned for, by its maker's figures.
///
/// Rates are dense, in TFLOP/s: f32 without reduced precision, as products of `precision: 32` ask for it, and bf16 with sums
/// in f32. Source: the makers' data sheets of the parts with the largest power limit.
public struct NamedAccelerator: Sendable, Equatable {
    public let name: String
    public let f32TFLOPs: Double
    public let bf16TFLOPs: Double
    /// In units of 2^30 bytes, as it is sold.
    public let memoryGiB: Double

    public static let all = [
        NamedAccelerator(name: "a100-40gb", f32TFLOPs: 19.5, bf16TFLOPs: 312, memoryGiB: 40),
        NamedAccelerator(name: "a100-80gb", f32TFLOPs: 19.5, bf16TFLOPs: 312, memoryGiB: 80),
        NamedAccelerator(name: "h100", f32TFLOPs: 67, bf16TFLOPs: 989, memoryGiB: 80),
        NamedAccelerator(name: "h200", f32TFLOPs: 67, bf16TFLOPs: 989, memoryGiB: 141),
        NamedAccelerator(name: "l4", f32TFLOPs: 30, bf16TFLOPs: 121, memoryGiB: 24),
        NamedAccelerator(name: "l40s", f32TFLOPs: 91.6, bf16TFLOPs: 362, memoryGiB: 48),
        NamedAccelerator(name: "rtx-3090", f32TFLOPs: 35.6, bf16TFLOPs: 71, memoryGiB: 24),
        NamedAccelerator(name: "rtx-4090", f32TFLOPs: 82.6, bf16TFLOPs: 165, memoryGiB: 24),
    ]

    /// What a run would take on several of them.
    public struct Projection: Codable, Sendable, Equatable {
        public var accelerator: String
        public var count: Int
        /// The share of the peak rate that was assumed.
        public var assumedShare: Double
        public var samplesPerSecond: Double
        /// Nil for a run without end.
        public var seconds: Double?
        /// Whether this machine's data stream could not feed them.
        public var isDataBound: Bool
        /// Whether what the batch takes here would fit into the memory of each.
        public var fitsMemory: Bool
    }

    /// The run on `count` of these, each of which does `share` of its peak and takes a part of the batch.
    ///
    /// - Parameters:
    ///   - isMixed: whether products are of bf16.
    ///   - share: of the peak rate, in (0, 1].
    public func projection(of cost: RunCost, count: Int, isMixed: Bool, share: Double) -> Projection {
        let peak = 1000 * (isMixed ? bf16TFLOPs : f32TFLOPs)
        let rate = Double(count) * share * peak / cost.gflopPerSample
        let stream = cost.measured.streamSamplesPerSecond
        let sustained = min(rate, stream)
        let seconds = cost.samples.map {
            RunCost.seconds(training: $0, validation: cost.validationSamples, rate: sustained)
        }
        let limited = [seconds, cost.timeLimitSeconds].compactMap { $0 }.min()
        return Projection(
            accelerator: name, count: count, assumedShare: share, samplesPerSecond: sustained, seconds: limited,
            isDataBound: stream < rate, fitsMemory: Double(cost.memoryBytes) < memoryGiB * Double(1 << 30))
    }
}

extension NamedAccelerator.Projection {
    /// One line of a table.
    public var text: String {
        let notes =
            (isDataBound ? ["limited by this machine's data stream"] : [])
            + (fitsMemory ? [] : ["its memory is too small for the batch"])
        return "\(count) x \(accelerator): \(samplesPerSecond.formatted4) samples/s, "
            + (seconds.map { ProgressLine.duration($0) } ?? "without end")
            + (notes.isEmpty ? "" : ": " + notes.joined(separator: ", "))
    }
}
