import Foundation
import Formats
import Video

/// Video and picture formats, by decoding a tiny sample of each.
enum DecoderCheck {
    static func findings() -> [Finding] {
        var fit: [String] = []
        var faults: [(name: String, reason: String)] = []
        for sample in VideoSample.all {
            do {
                try decode(sample)
                fit.append(sample.name)
            } catch {
                faults.append((sample.name, "\(error)"))
            }
        }
        let sound = fit.isEmpty ? [] : [Finding.ok("decoders", "decoded a sample of \(fit.joined(separator: ", "))")]
        return sound
            + faults.map { fault in
                let remedy = "install an FFmpeg whose libavcodec decodes \(fault.name)"
                return fit.isEmpty
                    ? .broken("decoder \(fault.name)", fault.reason, remedy: remedy)
                    : .warning("decoder \(fault.name)", fault.reason, remedy: remedy)
            }
    }

    private static func decode(_ sample: VideoSample) throws {
        let path = NSTemporaryDirectory() + "lam-doctor-\(getpid())-\(sample.name).\(sample.container)"
        try AtomicFile.write(sample.bytes, to: path)
        defer { try? FileManager.default.removeItem(atPath: path) }
        guard try VideoDecoder.decodeEverything(path: path) == sample.frames else {
            throw Fault.frames
        }
    }

    private enum Fault: Error, CustomStringConvertible {
        case frames
        var description: String { "the sample did not give all of its frames" }
    }
}
