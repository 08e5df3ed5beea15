/// What a convolution multiplies; sums are f32 always.
public enum ConvolutionPrecision: String, Sendable, CaseIterable {
    case f32, bf16
}

/// One frame as convolutions of one backend read it.
public struct ConvolutionFrame: Sendable {
    let values: Tensor
    public let rows: Int
    public let columns: Int
    public let channels: Int
    /// How the backend lays out a value.
    let parts: Int
}

/// Weight and bias of a convolution as one backend reads them.
public struct ConvolutionFilter: Sendable {
    let values: Tensor
    let bias: Tensor?
    let parts: Int
    public let outputs: Int
    public let inputs: Int
    /// Taps along time, rows and columns.
    public let kernel: (frames: Int, rows: Int, columns: Int)
    public let precision: ConvolutionPrecision

    /// Multiplications and additions per output pixel.
    public var flopsPerPixel: Double {
        2 * Double(outputs * inputs) * Double(kernel.frames * kernel.rows * kernel.columns)
    }
}

/// Where the taps of an output pixel lie.
public struct ConvolutionSampling: Sendable {
    /// Distance of output frames, in input frames.
    public var frameStride: Int
    /// Distance of output pixels along rows and columns.
    public var stride: Int
    /// Zeros above and to the left; below and to the right as many as the output's size asks for.
    public var top: Int
    public var left: Int
    /// Whether each input pixel counts as 2 x 2 of its kind.
    public var doubles: Bool

    public init(frameStride: Int = 1, stride: Int = 1, top: Int = 0, left: Int = 0, doubles: Bool = false) {
        self.frameStride = frameStride
        self.stride = stride
        self.top = top
        self.left = left
        self.doubles = doubles
    }
}

/// How blocks of `frames` x `space` x `space` values of a channel and channels of one value become each other: with `f =
/// frames * space * space`, value (t, y, x) of a block of channel c is folded channel `c f + t space^2 + y space + x`.
public struct ChannelFolding: Sendable {
    public var frames: Int
    public var space: Int

    public init(frames: Int, space: Int) {
        self.frames = frames
        self.space = space
    }

    /// Values of a block.
    var count: Int { frames * space * space }
}
