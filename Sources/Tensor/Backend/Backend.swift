/// The seam between operations and hardware: every kernel call of every model goes through here.
///
/// A backend owns its memory and orders its own work: a call may return before its result exists, but `download` waits.
/// What goes wrong after a call has returned, such as memory that is not there, is thrown by the next `synchronize` or
/// `Readback`; until then results mean nothing.
/// Tensors are f32 and dense unless said otherwise; outputs are written whole unless said to be accumulated. Where an
/// operand of a product, the values of attention or the result of a norm are bf16, sums are still f32.
/// Results depend on the arguments alone, never on the number of threads.
///
/// What one backend made is nothing to another: a tensor of foreign memory, or a convolution's operand of foreign storage,
/// is a programming error that names both.
public protocol Backend: AnyObject, Sendable {
    /// What messages call this kind of backend.
    var name: String { get }
    /// One line for logs: device, instruction set, libraries, threads.
    var summary: String { get }

    /// Uninitialised memory.
    func allocate(byteCount: Int) -> DeviceMemory
    func upload(_ bytes: UnsafeRawBufferPointer, to tensor: Tensor)
    func download(_ tensor: Tensor, into bytes: UnsafeMutableRawBufferPointer)
    /// Begins to bring the elements of some small tensors to the host; what is asked for afterwards does not change them.
    func readback(_ tensors: [Tensor]) -> Readback
    /// The tensor's elements within the host's reach, without a copy where they are there already.
    func stage(_ tensor: Tensor) -> HostStage
    /// The same elements for a computation that is made a second time, so as not to keep what the first one made: a backend
    /// that looks for equal computations shall not make one of the two.
    func isolated(_ x: Tensor) -> Tensor
    /// Waits until all that was asked for is done.
    ///
    /// - Throws: the first error since the last time.
    func synchronize() throws

    /// `out = x` in the other of f32 and bf16, rounded to nearest even.
    func cast(_ x: Tensor, into out: Tensor)
    func fill(_ tensor: Tensor, with value: Float)
    /// Copies bytes of equal dtype; with `accumulate` (f32 only) adds instead.
    func copy(_ plan: BlockCopy, from source: Tensor, to target: Tensor, accumulate: Bool)
    /// `out = a + b`; `out` may be `a`. When `b` is shorter it repeats: `b.count` must divide `a.count`.
    func add(_ a: Tensor, _ b: Tensor, into out: Tensor)
    /// `out = a * b`, element by element; `out` may be `a`.
    func multiply(_ a: Tensor, _ b: Tensor, into out: Tensor)
    /// `out[j] += sum over rows of x[row, j]` for `x` viewed as `[rows, out.count]`.
    func addColumnSums(of x: Tensor, to out: Tensor)
    /// Sum of squares of all elements, to one f64.
    func sumOfSquares(_ x: Tensor, into sum: Tensor)

    /// `out = epilogue(x weight^T + bias)`; x `[..., K]`, weight `[N, K]`, bias `[N]`, out `[..., N]`.
    func linear(_ x: Tensor, weight: Tensor, bias: Tensor?, epilogue: LinearEpilogue, into out: Tensor)

    /// Gradients of `linear` without an epilogue: `dx = dy weight` (added when `accumulate`), `dy^T x` and the sums of `dy`
    /// over its rows. Products take `dy` in the type of x.
    ///
    /// - Parameter x: makes the input when it is needed.
    func linearBackward(
        _ dy: Tensor, x: () -> Tensor, weight: Tensor, gradients: LinearGradients, into dx: Tensor?, accumulate: Bool)

    /// `out = residual + W2 gelu(W1 x + b1) + b2` with the exact GELU; the hidden layer has the type of x.
    ///
    /// - Returns: what the backward pass needs of the hidden layer; nil unless `keeps`.
    func feedForward(
        _ x: Tensor, expand: LinearMap, project: LinearMap, residual: Tensor, into out: Tensor, keeps: Bool
    ) -> KeptActivations?
    /// Gradients of `feedForward`; that of the residual is `dy`. What was kept is used up.
    ///
    /// - Parameter x: makes the input when it is needed.
    func feedForwardBackward(
        _ dy: Tensor, x: () -> Tensor, kept: KeptActivations, expand: LinearMap, project: LinearMap,
        gradients: (expand: LinearGradients, project: LinearGradients), into dx: Tensor?, accumulate: Bool)

    /// `y = (x - mean(x)) / sqrt(var(x) + epsilon) * weight + bias` for each row of the last axis; y is f32 or bf16.
    ///
    /// - Returns: what the backward pass needs; nil unless `keeps`.
    func layerNorm(
        _ x: Tensor, weight: Tensor, bias: Tensor, epsilon: Float, into y: Tensor, keeps: Bool
    ) -> KeptActivations?
    /// How to make the result of a layer norm again from what was kept of it; nil where that takes the result itself.
    func layerNormRecipe(_ kept: KeptActivations, weight: Tensor, bias: Tensor) -> (() -> Tensor)?
    /// Gradients of `layerNorm`: to `dx` (added when `accumulate`), and added to `dweight` and `dbias` when both are given.
    func layerNormBackward(
        _ dy: Tensor, kept: KeptActivations, weight: Tensor, into dx: Tensor?, accumulate: Bool, dweight: Tensor?,
        dbias: Tensor?)

    /// `y = x * rstd * weight` for each row of the last axis, `rstd = 1 / sqrt(mean(x^2) + epsilon)`.
    func rmsNorm(_ x: Tensor, weight: Tensor, epsilon: Float, into y: Tensor)

    /// Multi-head attention. `qkv` `[..., 3E]` holds q, k and v of each token side by side, heads contiguous inside
    /// each; `keyMask` `[outerCount, length]` is added to each row of scores: 0 or -inf, or a finite number so low that
    /// a sequence without any visible key still has probabilities; `bias` `[heads, length, length]` (query, key) is
    /// added to the scaled scores of every sequence; out `[..., E]`.
    func attention(_ qkv: Tensor, layout: AttentionLayout, keyMask: Tensor?, bias: Tensor?, into out: Tensor)
    /// Gradient of `attention` without a bias with respect to `qkv`, recomputing the probabilities.
    func attentionBackward(
        _ dout: Tensor, qkv: Tensor, layout: AttentionLayout, keyMask: Tensor?, into dqkv: Tensor)

    /// Turns q and k in place by the positions of their tokens (rotary position embedding, Su et al. 2021).
    ///
    /// `qkv` `[..., length, 3E]` is sequences as for `attention`, of which the last P tokens have a position. In each
    /// head, whose vector has the halves a and b, `a, b = a cos - b sin, b cos + a sin` with row p of `cosines` and
    /// `sines` `[P, E / heads / 2]`.
    func rotate(_ qkv: Tensor, cosines: Tensor, sines: Tensor, length: Int, heads: Int)

    /// Mean of `(a - b)^2` to the scalar `out`.
    func meanSquaredError(_ a: Tensor, _ b: Tensor, into out: Tensor)
    /// `out = 2 / n * scale * (a - b)`, added when `accumulate`; `scale` is a scalar tensor.
    func meanSquaredErrorBackward(
        _ a: Tensor, _ b: Tensor, scale: Tensor, sign: Float, into out: Tensor, accumulate: Bool)
    /// Scalar `out = sum of weights[i] * terms[i]`.
    func weightedSum(_ terms: [(tensor: Tensor, weight: Float)], into out: Tensor)
    /// `out = factor * x`, scalars.
    func scale(_ x: Tensor, by factor: Float, into out: Tensor)

    /// Index (i32) of the nearest row of `codebook` `[K, L]` by Euclidean distance for each row of `x` `[..., L]`; the
    /// lowest index wins a tie.
    func nearestCodes(_ x: Tensor, codebook: Tensor, into indices: Tensor)
    /// `out[i] = table[indices[i]]`; indices i32.
    func gatherRows(_ table: Tensor, indices: Tensor, into out: Tensor)
    /// `table[indices[i]] += rows[i]`, in order of `i`.
    func scatterAddRows(_ rows: Tensor, indices: Tensor, to table: Tensor)

    /// `out = f(x)`, element by element; `out` may be `x`.
    func apply(_ function: ElementFunction, to x: Tensor, into out: Tensor)
    /// Gradient of `apply`: `dx = dy f'(x)`, added when `accumulate`; y is f(x).
    func applyBackward(
        _ function: ElementFunction, _ dy: Tensor, x: Tensor, y: Tensor, into dx: Tensor, accumulate: Bool)
    /// `out = x * factors` with one factor for each row of `x` viewed as `[factors.count, ...]`, added when `accumulate`.
    func scaleRows(_ x: Tensor, by factors: Tensor, into out: Tensor, accumulate: Bool)
    /// The inner products of the rows of `a` and `b`, viewed as `[out.count, ...]`.
    func rowProducts(_ a: Tensor, _ b: Tensor, into out: Tensor)
    /// `out = e^x / sum e^x` for each row of the last axis.
    func softmax(_ x: Tensor, into out: Tensor)
    /// Gradient of `softmax`: `dx = y (dy - sum dy y)`, added when `accumulate`; y is the result, whose last axis counts.
    func softmaxBackward(_ dy: Tensor, y: Tensor, into dx: Tensor, accumulate: Bool)
    /// `out = base + x * factors + shift`, each of the samples of `x` with a row of `factors` and `shift` `[samples, E]` for all
    /// its rows of E values; `out` may be `base`.
    func scaleSamples(_ x: Tensor, by factors: Tensor, adding base: Tensor, shift: Tensor?, into out: Tensor)
    /// Gradients of `scaleSamples`: `dx = dy factors`, added when `accumulate`; `dfactors` and `dshift` are the sums of `dy x`
    /// and `dy` over a sample's rows.
    func scaleSamplesBackward(
        _ dy: Tensor, x: Tensor, factors: Tensor, into dx: Tensor?, accumulate: Bool, dfactors: Tensor?,
        dshift: Tensor?)
    /// Attention of few queries to many tokens: q, k and v of each lie side by side as for `attention`, queries `[B, Q, 3E]`,
    /// whose k and v are not read, and the keys, which are all that tensors `[B, S, 3E]` have together; out `[B, Q, E]`.
    func crossAttention(_ queries: Tensor, keys: [Tensor], heads: Int, into out: Tensor)
    /// Gradients of `crossAttention`, written whole: that of `queries` is 0 for k and v, those of the keys are 0 for q.
    func crossAttentionBackward(
        _ dout: Tensor, queries: Tensor, keys: [Tensor], heads: Int, into dqueries: Tensor, _ dkeys: [Tensor])
    /// Finite scalar quantisation of the rows of `x` `[..., channels]`: `codes` of its shape and `indices` i32 `[...]`.
    func scalarCodes(_ x: Tensor, _ levels: ScalarLevels, into codes: Tensor, indices: Tensor)
    /// Gradient of the bounded values before they are rounded, divided as codes are: added when `accumulate`.
    func scalarCodesBackward(_ dy: Tensor, x: Tensor, _ levels: ScalarLevels, into dx: Tensor, accumulate: Bool)

    /// `[..., 3, H, W]` u8 images to patches `[..., (H/p)(W/p), 3 p p]` f32, `(u8 / 255 - mean[c]) / std[c]`; inside
    /// a patch the order is channel, row, column.
    func patchify(_ images: Tensor, patchSize: Int, mean: [Float], std: [Float], into out: Tensor)

    /// A filter `[outputs, inputs, frames, rows, columns]` with its bias `[outputs]`, in the backend's own form.
    func convolutionFilter(_ weight: Tensor, bias: Tensor?, precision: ConvolutionPrecision) -> ConvolutionFilter
    /// The frames of `[T, H, W, C]` in the form that convolutions read: divided by the length of their pixels (at least
    /// 1e-12) and times `gamma` `[C]` where that is given, then `x / (1 + e^-x)` where `activates`.
    func convolutionFrames(
        _ x: Tensor, gamma: Tensor?, activates: Bool, precision: ConvolutionPrecision
    ) -> [ConvolutionFrame]
    /// `out = filter * frames + bias + residual`; out `[T, H, W, outputs]`. Output frame t is made of the frames from
    /// `t * frameStride` on; nil is a frame of zeros, not all of them. On the CPU a frame's bits do not depend on the others of the
    /// call.
    func convolve(
        _ frames: [ConvolutionFrame?], with filter: ConvolutionFilter, _ sampling: ConvolutionSampling,
        residual: Tensor?, into out: Tensor)
    /// Adds to `out` `[T', H', W', C']` the means of neighbouring folded channels of `x` `[T, H, W, C]`, before whose first
    /// frame `leadingZeros` frames of zeros are put.
    func addFolded(_ x: Tensor, _ folding: ChannelFolding, leadingZeros: Int, to out: Tensor)
    /// Adds to `out` `[T', H', W', C']` the channels of `x` `[T, H, W, C]`, each repeated in a row until they are as many as
    /// `out` has values in a block, as blocks; without the first `droppedFrames` frames.
    func addUnfolded(_ x: Tensor, _ folding: ChannelFolding, droppedFrames: Int, to out: Tensor)

    /// The norm of gradients whose squares add up to the sum of `squares` (f64, in order), times `gradientScale`, to one
    /// f64; and `gradientScale * min(1, limit / (norm + 1e-6))` to one f32: what gradients are multiplied with so that their
    /// norm is within the limit; NaN where the norm is not finite.
    func clip(squares: Tensor, gradientScale: Float, limit: Double?, norm: Tensor, scale: Tensor)
    /// One step over a run of parameters: value, gradient and both moments have equal counts. Gradients are first
    /// multiplied with the scalar `gradientScale`. Where that is not finite, values and moments stay as they are.
    func adamW(
        _ step: AdamWStep, gradientScale: Tensor, value: Tensor, gradient: Tensor, expAvg: Tensor, expAvgSq: Tensor)
    /// `average = decay * average + (1 - decay) * value` over runs of equal counts.
    func movingAverage(of value: Tensor, decay: Double, into average: Tensor)
}
