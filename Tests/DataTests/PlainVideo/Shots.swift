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
                let ground = grounds[shot % grounds.count]
                let pixels = (0..<height).flatMap { y in
                    (0..<width).flatMap { x in
                        (x - frame * 2 - 10) * (x - frame * 2 - 10) + (y - 30) * (y - 30) < 100
                            ? [250, 250, 250] : ground
                    }
                }
                try writer.append(RGBImage(width: width, height: height, pixels: pixels))
            }
        }
        try writer.finish()
    }
}
