import NN

/// Sizes and losses of a latent action model of LaWAM's family.
public struct LawamOptions: Sendable, Equatable {
    public var dim: Int
    public var heads: Int
    /// Width of feed-forward layers, in widths of the model.
    public var ffnFactor: Int
    public var encLayers: Int
    public var decLayers: Int
    public var codeDim: Int
    public var queries = 1
    /// Rows of a codebook.
    public var codebookSize = 32
    /// Numbers of a robot's state; 0 for a model without the head that predicts their change.
    public var maxStateDim = 0
    /// Kinds of robots with weights of their own in that head; 0 is human video, which has no state.
    public var embodiments = 32
    public var bottleneck: BottleneckChoice
    public var commitmentWeight: Float = 0.25
    public var usage = CodeUsage.occurrence
    /// Whether patches see patches alone, and states states; queries see everything.
    public var modalMask = true
    /// How features are normalised; nil leaves them as they are.
    public var normalization: FeatureNormalization? = .ln
    /// Whether the encoder sees a token of each frame's state.
    public var addsState = false
    public var lastNorm = true
    public var loss = ReconstructionLoss.l2
    public var stateLoss = StateLoss.l2
    public var stateWeight: Float = 1
    /// Rows and columns of patches; nil for a square.
    public var grid: Grid?

    public struct Grid: Sendable, Equatable {
        public var rows: Int
        public var columns: Int

        public init(rows: Int, columns: Int) { (self.rows, self.columns) = (rows, columns) }
    }

    public init(
        dim: Int, heads: Int, ffnFactor: Int, encLayers: Int, decLayers: Int, codeDim: Int,
        bottleneck: BottleneckChoice
    ) {
        (self.dim, self.heads, self.ffnFactor) = (dim, heads, ffnFactor)
        (self.encLayers, self.decLayers, self.codeDim) = (encLayers, decLayers, codeDim)
        self.bottleneck = bottleneck
    }

    /// Width of a latent.
    public var latentWidth: Int { bottleneck.latentWidth(modelWidth: codeDim) }

    /// The grid of so many patches.
    func grid(ofPatches patches: Int) -> Grid {
        if let grid {
            precondition(grid.rows * grid.columns == patches, "\(patches) patches in \(grid.rows) x \(grid.columns)")
            return grid
        }
        let side = Int(Double(patches).squareRoot().rounded())
        precondition(side * side == patches, "\(patches) patches are no square, so their grid has to be given")
        return Grid(rows: side, columns: side)
    }

    func site(_ scope: ParameterScope) -> BottleneckSite {
        BottleneckSite(
            scope, latentWidth: latentWidth, codes: codebookSize, commitmentWeight: commitmentWeight, counting: usage,
            codebookName: "codebooks", mergesLatents: true)
    }
}
