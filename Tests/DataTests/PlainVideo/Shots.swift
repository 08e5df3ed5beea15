import Foundation
import LAMData

/// Films of several shots, in each of which a spot moves over a ground of one colour.
enum Shots {
    static func write(_ lengths: [Int], to path: String) throws {
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
        let (width, height) = (96, 64)
        let grounds: [[UInt8]] = [[40, 90, 160], [200, 180, 90], [90, 30, 60]]
        let writer = try VideoWriter(path: path, width: width, height: height, fps: 30, codec: .h264)
        for (shot, length) in lengths.enumerated() {
            for frame in 0..<length {
                var pixels: [UInt8] = []
                for y in 0..<height {
                    for x in 0..<width {
                        let (right, down) = (x - frame * 2 - 10, y - 30)
                        pixels += right * right + down * down < 100 ? [250, 250, 250] : grounds[shot % grounds.count]
                    }
                }
                try writer.append(RGBImage(width: width, height: height, pixels: pixels))
            }
        }
        try writer.finish()
    }
}
