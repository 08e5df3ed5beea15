import Foundation

/// What can be wrong with what a vision encoder is given, besides its weights (see `FormatError.weights`).
public enum VisionEncoderError: Error, Equatable, Sendable {
    case frameSize(height: Int, width: Int, patchSize: Int)
}

extension VisionEncoderError: CustomStringConvertible, LocalizedError {
    public var errorDescription: String? { description }

    public var description: String {
        switch self {
        case .frameSize(let height, let width, let patchSize):
            "cannot encode frames: \(height) x \(width) pixels: expected sides that are multiples of the patch of "
                + "\(patchSize); resize them, for example to \(Self.near(height, patchSize)) x "
                + "\(Self.near(width, patchSize))"
        }
    }

    /// The nearest multiple of `patchSize` that is not zero.
    private static func near(_ side: Int, _ patchSize: Int) -> Int {
        let patches = max(0, side) / patchSize
        let isCloserAbove = 2 * (max(0, side) % patchSize) > patchSize
        return max(1, isCloserAbove ? patches + 1 : patches) * patchSize
    }
}

extension VisionEncoder {
    /// Whether frames of this many pixels can be encoded.
    /// - Throws: `VisionEncoderError.frameSize` unless both sides are positive multiples of `patchSize`.
    public func check(frameHeight height: Int, width: Int) throws(VisionEncoderError) {
        guard height > 0, width > 0, height % patchSize == 0, width % patchSize == 0 else {
            throw .frameSize(height: height, width: width, patchSize: patchSize)
        }
    }
}
