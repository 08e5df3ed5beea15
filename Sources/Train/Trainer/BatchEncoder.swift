import LAM
import LAMData
import Tensor

/// What the model reads of a batch.
package struct EncodedBatch {
    /// Features of the frames, `[B, 2, N, D]`, or of more, or of two views.
    package let patches: Tensor
    /// The samples' instructions, where there is a text encoder.
    package let language: LanguageTokens?
    /// The robots' states, where the model reads them.
    package var states: RobotStates?
    /// What is known of the pairs, where the model has a head of labels.
    package var labels: PairLabels?
    /// Frames of a view.
    package let frames: Int
    /// The samples' places in the global order of all ranks.
    package let samples: [Int]

    /// What the model gets.
    ///
    /// - Parameter training: nil for an evaluation.
    package func input(_ training: TrainingPass? = nil) -> LatentActionInput {
        LatentActionInput(
            patches: patches, language: language, states: states, labels: labels, frames: frames, training: training)
    }
}

/// Turns batches into what the model reads, the frames through a feature cache where there is one.
///
/// With a cache, all features are rounded to bf16, the ones just encoded too, so that the first epoch sees the same
/// numbers as later ones. A frame's features are those of its first encoding: frames that the cache got since a batch
/// was read ahead are taken from it, and a frame that is twice in a batch is encoded once. Bits therefore repeat even
/// where a product of other size rounds differently, as long as the cache is not full.
package struct BatchEncoder {
    private let encoders: FrozenEncoders
    private let backend: any Backend
    private let cache: FeatureCache?
    private let states: RobotStateReader?
    private let labels: PairLabelReader?

    /// - Parameters:
    ///   - cache: the one that the stream of the batches has, or nil if that has none.
    ///   - states: reads the robots' states of pairs; nil where the model has no use for them.
    ///   - labels: reads the labels of pairs, likewise.
    package init(
        _ encoders: FrozenEncoders, on backend: any Backend, cache: FeatureCache? = nil,
        states: RobotStateReader? = nil, labels: PairLabelReader? = nil
    ) {
        (self.states, self.labels) = (states, labels)
        self.encoders = encoders
        self.backend = backend
        self.cache = cache
    }

    /// - Throws: `TextError` of an instruction that cannot be encoded.
    package func callAsFunction(_ batch: FramePairBatch) throws -> EncodedBatch {
        EncodedBatch(
            patches: patches(of: batch),
            language: try encoders.text.map { encoder in
                let (hidden, mask) = try encoder(batch.samples.map(\.task))
                return LanguageTokens(hidden: hidden, mask: mask)
            }, states: try states?(batch), labels: try labels?(batch), frames: batch.framesPerSample,
            samples: batch.samples.map(\.sample))
    }

    /// Features of a batch's frames, f32 `[B, frames, N, D]`.
    private func patches(of batch: FramePairBatch) -> Tensor {
        guard let cache else { return encoders.vision(backend.tensor(batch.pixels, batch.shape), on: backend) }
        precondition(batch.features.count == batch.frames.count, "a batch of a stream without the feature cache")
        var known: [FrameReference: FrameFeatures] = [:]
        for (frame, features) in zip(batch.frames, batch.features) {
            if let features { known[frame] = features }
        }
        encodeMissing(of: batch, cache, into: &known)

        let count = cache.patches * cache.width
        let values = [Float](unsafeUninitializedCapacity: batch.frames.count * count) { target, initialized in
            for (place, frame) in batch.frames.enumerated() {
                known[frame]?.write(
                    to: UnsafeMutableBufferPointer(rebasing: target[place * count..<(place + 1) * count]))
            }
            // SAFETY: `encodeMissing` has left no frame of the batch without features, so every part was written.
            initialized = batch.frames.count * count
        }
        return backend.tensor(
            values, [batch.samples.count, batch.framesPerSample, cache.patches, cache.width])
    }

    /// Encodes the frames that came as pixels and are still unknown, and keeps them.
    private func encodeMissing(
        of batch: FramePairBatch, _ cache: FeatureCache, into known: inout [FrameReference: FrameFeatures]
    ) {
        let frameBytes = 3 * batch.resolution * batch.resolution
        var missing: [FrameReference] = []
        var pixels: [UInt8] = []
        var start = 0
        for (frame, features) in zip(batch.frames, batch.features) where features == nil {
            defer { start += frameBytes }
            guard known[frame] == nil, !missing.contains(frame) else { continue }
            if let features = cache.features(of: frame) {
                known[frame] = features
            } else {
                missing.append(frame)
                pixels.append(contentsOf: batch.pixels[start..<start + frameBytes])
            }
        }
        guard !missing.isEmpty else { return }
        let frames = backend.tensor(pixels, [missing.count, 1, 3, batch.resolution, batch.resolution])
        let encoded = encoders.vision(frames, on: backend)
        precondition(
            encoded.shape == [missing.count, 1, cache.patches, cache.width],
            "the encoder gives \(encoded.shape), the cache is made for [\(cache.patches), \(cache.width)]")
        let count = cache.patches * cache.width
        backend.floats(encoded).withUnsafeBufferPointer { values in
            for (place, frame) in missing.enumerated() {
                let own = UnsafeBufferPointer(rebasing: values[place * count..<(place + 1) * count])
                let features = FrameFeatures(rounding: own)
                known[frame] = features
                cache.store(features, of: frame)
            }
        }
    }
}
