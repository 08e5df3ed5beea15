import CFFmpeg
import DataCore
import Foundation

/// A picture of distances, rows from the top.
public struct DepthPicture: Sendable, Equatable {
    public let width: Int
    public let height: Int
    /// `[H, W]`, in the camera's unit.
    public let values: [Float]

    /// - Precondition: `values.count == width * height`.
    init(width: Int, height: Int, values: [Float]) {
        precondition(values.count == width * height, "\(values.count) distances for \(width)x\(height)")
        (self.width, self.height, self.values) = (width, height, values)
    }

    /// The picture in grey: `range` becomes 0 … 255, what lies outside is clamped, what is no number is black.
    public func image(_ range: ClosedRange<Double>) -> RGBImage {
        let low = Float(range.lowerBound)
        let scale = 255 / Float(range.upperBound - range.lowerBound)
        let pixels = [UInt8](unsafeUninitializedCapacity: values.count * 3) { target, count in
            for (place, value) in values.enumerated() {
                let level = ((value - low) * scale).rounded()
                let byte = level >= 0 ? UInt8(min(level, 255)) : 0
                for channel in 0..<3 { target.initializeElement(at: place * 3 + channel, to: byte) }
            }
            count = values.count * 3
        }
        return RGBImage(width: width, height: height, pixels: pixels)
    }
}

/// Turns stored numbers of one depth camera into distances.
package struct DepthReader {
    private let table: [Float]

    /// Whether stored numbers are codes of a range.
    var hasCodes: Bool { !table.isEmpty }

    package init(_ scale: DepthScale) {
        guard let codes = scale.codes else {
            table = []
            return
        }
        let meters = codes.meters()
        // LeRobot gives whole millimetres.
        table =
            scale.unit == .meters ? meters : meters.map { min(max(($0 * 1000).rounded(.toNearestOrEven), 0), 65535) }
    }

    /// - Returns: nil for a pixel format that holds no numbers of one channel.
    func picture(_ frame: VideoFrame) -> DepthPicture? {
        guard let numbers = frame.firstPlaneNumbers() else { return nil }
        return DepthPicture(width: frame.width, height: frame.height, values: distances(numbers))
    }

    func distances(_ stored: [UInt16]) -> [Float] {
        guard !table.isEmpty else { return stored.map(Float.init) }
        return stored.map { table[min(Int($0), table.count - 1)] }
    }
}

extension VideoFrame {
    /// The visible numbers of a grey picture, or of the luma of one with chroma, of 8 to 16 bits; nil for others.
    func firstPlaneNumbers() -> [UInt16]? {
        guard let description,
            description.flags
                & UInt64(AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_FLOAT)
                == 0,
            let base = lam_frame_plane(pointer, 0)
        else { return nil }
        let luma = description.comp.0
        let bytes = luma.depth > 8 ? 2 : 1
        // Packed formats have other numbers between those of the first channel.
        guard luma.plane == 0, luma.offset == 0, luma.depth <= 16, Int(luma.step) >= bytes else { return nil }
        let isBigEndian = description.flags & UInt64(AV_PIX_FMT_FLAG_BE) != 0
        let (stride, step) = (Int(lam_frame_stride(pointer, 0)), Int(luma.step))
        var numbers: [UInt16] = []
        numbers.reserveCapacity(width * height)
        for row in 0..<height {
            // SAFETY: a decoded plane holds `height` rows of `width` steps, `stride` apart.
            let line = UnsafeRawPointer(base + row * stride)
            for column in 0..<width {
                if bytes == 1 {
                    numbers.append(UInt16(line.load(fromByteOffset: column * step, as: UInt8.self)))
                } else {
                    let value = line.loadUnaligned(fromByteOffset: column * step, as: UInt16.self)
                    numbers.append((isBigEndian ? value.byteSwapped : value) >> UInt16(luma.shift))
                }
            }
        }
        return numbers
    }

    private var description: AVPixFmtDescriptor? {
        av_pix_fmt_desc_get(AVPixelFormat(rawValue: pointer.pointee.format))?.pointee
    }

    /// Channels of a pixel; 3 for a palette's.
    var channels: Int {
        guard let description, description.flags & UInt64(AV_PIX_FMT_FLAG_PAL) == 0 else { return 3 }
        return Int(description.nb_components)
    }

    /// Bits of the first channel.
    var bits: Int { Int(description?.comp.0.depth ?? 8) }

    /// Whether the pixel format has one channel (and alpha perhaps) of more than 8 bits: no colours.
    package var isMeasurement: Bool { channels < 3 && bits > 8 }
}
