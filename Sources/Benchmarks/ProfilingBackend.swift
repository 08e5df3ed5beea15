import Synchronization
import Tensor

/// A backend that runs another one's operations and writes down how long each took, and what it had to compute and move.
public final class ProfilingBackend: Backend {
    /// All calls of one operation on one shape.
    public struct Entry: Sendable {
        public var name: String
        public var calls = 0
        public var seconds = 0.0
        /// Multiplications and additions in matrix products.
        public var flops = 0.0
        /// Bytes that have to be read and written at least once.
        public var bytes = 0.0
    }

    private let base: any Backend
    private let entries = Mutex<[String: Entry]>([:])
    /// What waiting for an operation threw, for the next who asks.
    private let failure = Mutex<(any Error)?>(nil)

    public init(_ base: any Backend) {
        self.base = base
    }

    /// What was measured since the last `reset`, the slowest first.
    public var profile: [Entry] { entries.withLock { $0.values.sorted { $0.seconds > $1.seconds } } }

    public func reset() { entries.withLock { $0.removeAll() } }

    private func time(_ name: String, flops: Double = 0, _ tensors: [Tensor?], _ body: () -> Void) {
        let start = ContinuousClock.now
        body()
        do { try base.synchronize() } catch { failure.withLock { $0 = $0 ?? error } }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let bytes = tensors.reduce(0) { $0 + Double(($1?.count ?? 0) * ($1?.dtype.byteSize ?? 0)) }
        entries.withLock {
            $0[name, default: Entry(name: name)].calls += 1
            $0[name]?.seconds += seconds
            $0[name]?.flops += flops
            $0[name]?.bytes += bytes
        }
    }

    /// Rows, inputs and outputs of a linear map, and what its product computes.
    private func product(_ x: Tensor, _ weight: Tensor) -> (size: String, flops: Double) {
        let (outputs, inputs) = (weight.shape[0], weight.shape[1])
        return ("\(x.count / inputs) x \(inputs) x \(outputs)", 2 * Double(x.count) * Double(outputs))
    }

    public var name: String { base.name }
    public var summary: String { base.summary }
    public func allocate(byteCount: Int) -> DeviceMemory { base.allocate(byteCount: byteCount) }
    public func upload(_ bytes: UnsafeRawBufferPointer, to tensor: Tensor) { base.upload(bytes, to: tensor) }
    public func download(_ tensor: Tensor, into bytes: UnsafeMutableRawBufferPointer) {
        base.download(tensor, into: bytes)
    }
    public func readback(_ tensors: [Tensor]) -> Readback { base.readback(tensors) }
    public func stage(_ tensor: Tensor) -> HostStage { base.stage(tensor) }
    public func synchronize() throws {
        let failed = failure.withLock { failure in
            defer { failure = nil }
            return failure
        }
        if let failed { throw failed }
        try base.synchronize()
    }

    public func cast(_ x: Tensor, into out: Tensor) { time("cast", [x, out]) { base.cast(x, into: out) } }
    public func fill(_ tensor: Tensor, with value: Float) { time("fill", [tensor]) { base.fill(tensor, with: value) } }
    public func copy(_ plan: BlockCopy, from source: Tensor, to target: Tensor, accumulate: Bool) {
        time("copy", [target, target]) { base.copy(plan, from: source, to: target, accumulate: accumulate) }
    }
    public func add(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        time("add", [a, b, out]) { base.add(a, b, into: out) }
    }
    public func multiply(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        time("multiply", [a, b, out]) { base.multiply(a, b, into: out) }
    }
    public func addColumnSums(of x: Tensor, to out: Tensor) {
        time("column sums", [x]) { base.addColumnSums(of: x, to: out) }
    }
    public func sumOfSquares(_ x: Tensor, into sum: Tensor) {
        time("sum of squares", [x]) { base.sumOfSquares(x, into: sum) }
    }

    public func apply(_ function: ElementFunction, to x: Tensor, into out: Tensor) {
        time("function", [x, out]) { base.apply(function, to: x, into: out) }
    }
    public func applyBackward(
        _ function: ElementFunction, _ dy: Tensor, x: Tensor, y: Tensor, into dx: Tensor, accumulate: Bool
    ) {
        time("function backward", [dy, x, y, dx]) {
            base.applyBackward(function, dy, x: x, y: y, into: dx, accumulate: accumulate)
        }
    }
    public func scaleRows(_ x: Tensor, by factors: Tensor, into out: Tensor, accumulate: Bool) {
        time("scale rows", [x, out]) { base.scaleRows(x, by: factors, into: out, accumulate: accumulate) }
    }
    public func rowProducts(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        time("row products", [a, b]) { base.rowProducts(a, b, into: out) }
    }
    public func softmax(_ x: Tensor, into out: Tensor) { time("softmax", [x, out]) { base.softmax(x, into: out) } }
    public func softmaxBackward(_ dy: Tensor, y: Tensor, into dx: Tensor, accumulate: Bool) {
        time("softmax backward", [dy, y, dx]) { base.softmaxBackward(dy, y: y, into: dx, accumulate: accumulate) }
    }
    public func scaleSamples(
        _ x: Tensor, by factors: Tensor, adding base: Tensor, shift: Tensor?, into out: Tensor
    ) {
        time("scale samples", [x, base, out]) {
            self.base.scaleSamples(x, by: factors, adding: base, shift: shift, into: out)
        }
    }
    public func scaleSamplesBackward(
        _ dy: Tensor, x: Tensor, factors: Tensor, into dx: Tensor?, accumulate: Bool, dfactors: Tensor?,
        dshift: Tensor?
    ) {
        time("scale samples backward", [dy, x, dx]) {
            self.base.scaleSamplesBackward(
                dy, x: x, factors: factors, into: dx, accumulate: accumulate, dfactors: dfactors, dshift: dshift)
        }
    }
    public func crossAttention(_ queries: Tensor, keys: [Tensor], heads: Int, into out: Tensor) {
        time("cross attention", [queries, out] + keys) {
            self.base.crossAttention(queries, keys: keys, heads: heads, into: out)
        }
    }
    public func crossAttentionBackward(
        _ dout: Tensor, queries: Tensor, keys: [Tensor], heads: Int, into dqueries: Tensor, _ dkeys: [Tensor]
    ) {
        time("cross attention backward", [dout, queries, dqueries] + keys + dkeys) {
            self.base.crossAttentionBackward(dout, queries: queries, keys: keys, heads: heads, into: dqueries, dkeys)
        }
    }
    public func scalarCodes(_ x: Tensor, _ levels: ScalarLevels, into codes: Tensor, indices: Tensor) {
        time("scalar codes", [x, codes, indices]) { base.scalarCodes(x, levels, into: codes, indices: indices) }
    }
    public func scalarCodesBackward(
        _ dy: Tensor, x: Tensor, _ levels: ScalarLevels, into dx: Tensor, accumulate: Bool
    ) {
        time("scalar codes backward", [dy, x, dx]) {
            base.scalarCodesBackward(dy, x: x, levels, into: dx, accumulate: accumulate)
        }
    }

    public func linear(_ x: Tensor, weight: Tensor, bias: Tensor?, epilogue: LinearEpilogue, into out: Tensor) {
        let product = product(x, weight)
        var name = "linear", others: [Tensor?] = []
        switch epilogue {
        case .none: break
        case .residual(let tensor): (name, others) = ("linear + residual", [tensor])
        case .gelu: name = "linear + gelu"
        case .tanhGELU: name = "linear + tanh gelu"
        case .relu: name = "linear + relu"
        }
        time("\(name) \(product.size)", flops: product.flops, [x, weight, out] + others) {
            base.linear(x, weight: weight, bias: bias, epilogue: epilogue, into: out)
        }
    }
    public func linearBackward(
        _ dy: Tensor, x: () -> Tensor, weight: Tensor, gradients: LinearGradients, into dx: Tensor?, accumulate: Bool
    ) {
        let rows = dy.count / weight.shape[0], products = [gradients.weight, dx].count { $0 != nil }
        time(
            "linear backward \(rows) x \(weight.shape[1]) x \(weight.shape[0])",
            flops: 2 * Double(rows) * Double(weight.count) * Double(products),
            [dy, dy, weight, dx, accumulate ? dx : nil, gradients.weight, gradients.weight]
        ) {
            base.linearBackward(dy, x: x, weight: weight, gradients: gradients, into: dx, accumulate: accumulate)
        }
    }

    public func feedForward(
        _ x: Tensor, expand: LinearMap, project: LinearMap, residual: Tensor, into out: Tensor, keeps: Bool
    ) -> KeptActivations? {
        let product = product(x, expand.weight)
        var kept: KeptActivations?
        time(
            "feed-forward \(product.size)", flops: 2 * product.flops, [x, expand.weight, project.weight, residual, out]
        ) {
            kept = base.feedForward(
                x, expand: expand, project: project, residual: residual, into: out, keeps: keeps)
        }
        return kept
    }
    public func feedForwardBackward(
        _ dy: Tensor, x: () -> Tensor, kept: KeptActivations, expand: LinearMap, project: LinearMap,
        gradients: (expand: LinearGradients, project: LinearGradients), into dx: Tensor?, accumulate: Bool
    ) {
        let product = product(dy, expand.weight)
        time(
            "feed-forward backward \(product.size)", flops: 4 * product.flops,
            [dy, dy, expand.weight, project.weight, dx, accumulate ? dx : nil]
                + [gradients.expand.weight, gradients.project.weight].flatMap { [$0, $0] }
        ) {
            base.feedForwardBackward(
                dy, x: x, kept: kept, expand: expand, project: project, gradients: gradients, into: dx,
                accumulate: accumulate)
        }
    }

    public func layerNorm(
        _ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float, into y: Tensor, keeps: Bool
    ) -> KeptActivations? {
        var kept: KeptActivations?
        time("layer norm", [x, y]) {
            kept = base.layerNorm(x, weight: weight, bias: bias, epsilon: epsilon, into: y, keeps: keeps)
        }
        return kept
    }
    public func layerNormRecipe(_ kept: KeptActivations, weight: Tensor, bias: Tensor) -> (() -> Tensor)? {
        base.layerNormRecipe(kept, weight: weight, bias: bias)
    }
    public func layerNormBackward(
        _ dy: Tensor, kept: KeptActivations, weight: Tensor, into dx: Tensor?, accumulate: Bool, dweight: Tensor?,
        dbias: Tensor?
    ) {
        time("layer norm backward", [dy, dx, dx, accumulate ? dx : nil]) {
            base.layerNormBackward(
                dy, kept: kept, weight: weight, into: dx, accumulate: accumulate, dweight: dweight, dbias: dbias)
        }
    }
    public func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float, into y: Tensor) {
        time("rms norm", [x, y]) { base.rmsNorm(x, weight: weight, epsilon: epsilon, into: y) }
    }

    private static func attentionFLOPs(_ qkv: Tensor, _ layout: AttentionLayout) -> Double {
        4 * Double(layout.tokenCount) * Double(layout.length) * Double((qkv.shape.last ?? 0) / 3)
    }
    public func attention(
        _ qkv: Tensor, layout: AttentionLayout, keyMask: Tensor?, bias: Tensor?, into out: Tensor
    ) {
        time("attention over \(layout.length)", flops: Self.attentionFLOPs(qkv, layout), [qkv, out]) {
            base.attention(qkv, layout: layout, keyMask: keyMask, bias: bias, into: out)
        }
    }
    public func attentionBackward(
        _ dout: Tensor, qkv: Tensor, layout: AttentionLayout, keyMask: Tensor?, into dqkv: Tensor
    ) {
        // Two products again for the probabilities, four for the gradients; each of half a forward pass.
        time(
            "attention backward over \(layout.length)", flops: 2.5 * Self.attentionFLOPs(qkv, layout),
            [qkv, dout, dqkv]
        ) {
            base.attentionBackward(dout, qkv: qkv, layout: layout, keyMask: keyMask, into: dqkv)
        }
    }

    public func rotate(_ qkv: Tensor, cosines: Tensor, sines: Tensor, length: Int, heads: Int) {
        time("rotate", [qkv, qkv]) {
            base.rotate(qkv, cosines: cosines, sines: sines, length: length, heads: heads)
        }
    }

    public func meanSquaredError(_ a: Tensor, _ b: Tensor, into out: Tensor) {
        time("loss", [a, b]) { base.meanSquaredError(a, b, into: out) }
    }
    public func meanSquaredErrorBackward(
        _ a: Tensor, _ b: Tensor, scale: Tensor, sign: Float, into out: Tensor, accumulate: Bool
    ) {
        time("loss", [a, b, out]) {
            base.meanSquaredErrorBackward(a, b, scale: scale, sign: sign, into: out, accumulate: accumulate)
        }
    }
    public func weightedSum(_ terms: [(tensor: Tensor, weight: Float)], into out: Tensor) {
        base.weightedSum(terms, into: out)
    }
    public func scale(_ x: Tensor, by factor: Float, into out: Tensor) { base.scale(x, by: factor, into: out) }

    public func nearestCodes(_ x: Tensor, codebook: Tensor, into indices: Tensor) {
        time("nearest codes", [x]) { base.nearestCodes(x, codebook: codebook, into: indices) }
    }
    public func gatherRows(_ table: Tensor, indices: Tensor, into out: Tensor) {
        base.gatherRows(table, indices: indices, into: out)
    }
    public func scatterAddRows(_ rows: Tensor, indices: Tensor, to table: Tensor) {
        base.scatterAddRows(rows, indices: indices, to: table)
    }
    public func patchify(_ images: Tensor, patchSize: Int, mean: [Float], std: [Float], into out: Tensor) {
        time("patchify", [images, out]) {
            base.patchify(images, patchSize: patchSize, mean: mean, std: std, into: out)
        }
    }
    public func convolutionFilter(
        _ weight: Tensor, bias: Tensor?, precision: ConvolutionPrecision
    ) -> ConvolutionFilter {
        base.convolutionFilter(weight, bias: bias, precision: precision)
    }
    public func convolutionFrames(
        _ x: Tensor, gamma: Tensor?, activates: Bool, precision: ConvolutionPrecision
    ) -> [ConvolutionFrame] {
        var frames: [ConvolutionFrame] = []
        time(gamma == nil ? "operands" : "norms and activations", [x, x]) {
            frames = base.convolutionFrames(x, gamma: gamma, activates: activates, precision: precision)
        }
        return frames
    }
    public func convolve(
        _ frames: [ConvolutionFrame?], with filter: ConvolutionFilter, _ sampling: ConvolutionSampling,
        residual: Tensor?, into out: Tensor
    ) {
        let kernel = "\(filter.kernel.frames)x\(filter.kernel.rows)x\(filter.kernel.columns)"
        let stride = sampling.stride * sampling.frameStride > 1 ? " with strides" : ""
        let pixels = Double(out.count / filter.outputs)
        time(
            "convolution \(kernel)\(stride), \(filter.inputs) -> \(filter.outputs)",
            flops: filter.flopsPerPixel * pixels, [out, residual]
        ) {
            base.convolve(frames, with: filter, sampling, residual: residual, into: out)
        }
    }
    public func addFolded(_ x: Tensor, _ folding: ChannelFolding, leadingZeros: Int, to out: Tensor) {
        time("shortcuts", [x, out, out]) {
            base.addFolded(x, folding, leadingZeros: leadingZeros, to: out)
        }
    }
    public func addUnfolded(_ x: Tensor, _ folding: ChannelFolding, droppedFrames: Int, to out: Tensor) {
        time("shortcuts", [x, out, out]) {
            base.addUnfolded(x, folding, droppedFrames: droppedFrames, to: out)
        }
    }
    public func clip(squares: Tensor, gradientScale: Float, limit: Double?, norm: Tensor, scale: Tensor) {
        base.clip(squares: squares, gradientScale: gradientScale, limit: limit, norm: norm, scale: scale)
    }
    public func adamW(
        _ step: AdamWStep, gradientScale: Tensor, value: Tensor, gradient: Tensor, expAvg: Tensor, expAvgSq: Tensor
    ) {
        time("AdamW", [value, value, gradient, expAvg, expAvg, expAvgSq, expAvgSq]) {
            base.adamW(
                step, gradientScale: gradientScale, value: value, gradient: gradient, expAvg: expAvg,
                expAvgSq: expAvgSq)
        }
    }
    public func movingAverage(of value: Tensor, decay: Double, into average: Tensor) {
        time("average of weights", [value, average, average]) {
            base.movingAverage(of: value, decay: decay, into: average)
        }
    }
}
