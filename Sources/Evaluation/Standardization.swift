/// Brings features to mean 0 and standard deviation 1 in each channel, so that channels of large values do not decide alone
/// and predicting the mean has an error of 1.
///
/// Source: the published evaluation of LaWAM's latent action model.
package struct Standardization: Equatable {
    /// A channel that hardly varies is not blown up beyond this.
    static let smallestDeviation = 1e-6

    /// Per channel, in the features' unit.
    package let means: [Double]
    package let deviations: [Double]

    package var channels: Int { means.count }
}

/// Sums over tokens that a standardisation follows from; those of parts add up to those of the whole.
package struct ChannelMoments {
    package let channels: Int
    /// Tokens, Σx per channel, Σx² per channel.
    package private(set) var values: [Double]

    package init(channels: Int) {
        precondition(channels > 0, "\(channels) channels")
        self.channels = channels
        values = [Double](repeating: 0, count: 1 + 2 * channels)
    }

    package var tokens: Double { values[0] }

    /// - Parameter features: `[tokens, channels]`.
    package mutating func add(_ features: ArraySlice<Float>) {
        precondition(features.count.isMultiple(of: channels), "\(features.count) numbers of \(channels) channels")
        let channels = channels
        features.withUnsafeBufferPointer { features in
            values.withUnsafeMutableBufferPointer { values in
                values[0] += Double(features.count / channels)
                var place = 0
                while place < features.count {
                    for channel in 0..<channels {
                        let value = Double(features[place + channel])
                        values[1 + channel] += value
                        values[1 + channels + channel] += value * value
                    }
                    place += channels
                }
            }
        }
    }

    /// Adds the sums of another part.
    package mutating func add(_ sums: [Double]) {
        precondition(sums.count == values.count, "\(sums.count) sums for \(values.count)")
        for (place, sum) in sums.enumerated() { values[place] += sum }
    }

    /// Means and standard deviations (divisor n - 1) of each channel; nil of fewer than two tokens.
    package var standardization: Standardization? {
        guard tokens > 1 else { return nil }
        let means = (0..<channels).map { values[1 + $0] / tokens }
        let deviations = (0..<channels).map { channel in
            let deviation = values[1 + channels + channel] - tokens * means[channel] * means[channel]
            return max(Standardization.smallestDeviation, (max(0, deviation) / (tokens - 1)).squareRoot())
        }
        return Standardization(means: means, deviations: deviations)
    }
}
