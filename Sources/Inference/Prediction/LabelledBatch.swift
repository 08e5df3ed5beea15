import LAM
import LAMData
import LAMTrain

/// What the model has made of a batch, as rows of label files.
struct LabelledBatch {
    private let parts: [LatentPart]
    /// Of each of `parts`, all pairs of the batch; nil where latents are continuous.
    private let codes: [[Int32]?]
    /// The action's latents of all pairs; nil where they are not wanted.
    private let vectors: [Float]?

    private let columns: LabelColumns

    init(_ result: LAMModule.BatchResult, of module: LAMModule, _ columns: LabelColumns) {
        self.columns = columns
        parts = module.model.latentParts
        codes = result.codes
        vectors = columns.embeddings ? module.backend.floats(result.latents[0].z) : nil
    }

    func row(ofPair pair: Int, _ sample: FramePairBatch.Sample) -> EpisodeLabels.Row {
        let (action, width) = (parts[0], parts[0].bottleneck.latentWidth)
        let embeddings = vectors.map { vectors in
            (0..<action.perPair).map { latent in
                let start = pair * action.width + latent * width
                return Array(vectors[start..<start + width])
            }
        }
        return EpisodeLabels.Row(
            frame: sample.frame, target: sample.target, isPad: sample.isPad,
            codes: columns.codes ? codes(part: 0, ofPair: pair) : nil,
            uncontrolled: columns.uncontrolled ? codes(part: 1, ofPair: pair) : nil, embeddings: embeddings)
    }

    /// The action's codes, whether they are written or not; nil of continuous latents.
    func codes(ofPair pair: Int) -> [Int32]? { codes(part: 0, ofPair: pair) }

    /// A pair's codes; nil of continuous latents, and where there is no such part.
    private func codes(part place: Int, ofPair pair: Int) -> [Int32]? {
        guard parts.indices.contains(place), let codes = codes[place] else { return nil }
        let count = parts[place].perPair
        return Array(codes[pair * count..<(pair + 1) * count])
    }
}
