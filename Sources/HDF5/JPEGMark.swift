/// What a JPEG file says of its channels in a comment.
enum JPEGMark {
    /// RoboTwin's and RoboDojo's encoder has written this since September 2026 into pictures whose red is red.
    private static let rgb = Array("XPL-RGB1".utf8)
    private static let mostSegments = 16

    static func isRGB(_ bytes: [UInt8]) -> Bool {
        var place = 2
        for _ in 0..<mostSegments {
            guard place + 4 <= bytes.count, bytes[place] == 0xFF else { return false }
            let (marker, length) = (bytes[place + 1], Int(bytes[place + 2]) << 8 | Int(bytes[place + 3]))
            // After the start of scan come no more segments.
            guard marker != 0xDA, length >= 2 else { return false }
            let end = place + 2 + length
            if marker == 0xFE, end <= bytes.count, bytes[place + 4..<end].elementsEqual(rgb) { return true }
            place = end
        }
        return false
    }
}
