import LAM

/// Sizes of models of pixels that a first configuration chooses from.
struct ModelSize: Sendable, Equatable {
    let width: Int
    let blocks: Int
    let heads: Int
    let patch: Int
    /// Side of a picture in pixels, if the dataset's are not smaller.
    let resolution: Int
    let batch: Int
    let learningRate: Double

    /// From small to large. The first is what `config/quickstart.yaml` has, the last the original's size.
    static let all = [
        ModelSize(width: 128, blocks: 2, heads: 4, patch: 8, resolution: 64, batch: 32, learningRate: 1e-3),
        ModelSize(width: 256, blocks: 4, heads: 8, patch: 16, resolution: 128, batch: 32, learningRate: 5e-4),
        ModelSize(width: 512, blocks: 8, heads: 8, patch: 16, resolution: 192, batch: 32, learningRate: 3e-4),
        ModelSize(width: 768, blocks: 12, heads: 12, patch: 16, resolution: 224, batch: 64, learningRate: 1e-4),
    ]

    static let latentDim = 32
    static let codes = 16
    /// Steps below which codes say little.
    static let fewestSteps = 2000
    /// What steps of these sizes reach of the rate of matrix products, at least, on machines where it was measured.
    private static let likelyShare = 0.4

    /// The largest that trains for some thousand steps in the time; the smallest where none does.
    ///
    /// - Parameters:
    ///   - gflops: the machine's rate of matrix products.
    ///   - shortSide: of the smallest picture, in pixels.
    static func fitting(seconds: Double, gflops: Double, shortSide: Int) -> ModelSize {
        all.last { size in
            let samples = Double(fewestSteps * size.batch)
            return samples * size.gflopPerSample(shortSide: shortSide) / (likelyShare * gflops) <= seconds
        } ?? all[0]
    }

    /// A multiple of the patch, not above the pictures' short side, but at least four patches.
    func side(shortSide: Int) -> Int { max(4 * patch, min(resolution, shortSide) / patch * patch) }

    private func gflopPerSample(shortSide: Int) -> Double {
        let grid = side(shortSide: shortSide) / patch
        let options = LatentActionModelOptions(
            modelDim: width, latentDim: Self.latentDim, numLatents: Self.codes, encBlocks: blocks, decBlocks: blocks,
            numHeads: heads)
        // Each product has two of its size in the backward pass.
        return 3 * options.forwardFLOPs(patches: grid * grid, featureWidth: 3 * patch * patch) / 1e9
    }
}
