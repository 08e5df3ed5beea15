import Foundation

/// What two processes tell each other: a few numbers and texts, and many bytes. In numbers, as a question for each frame
/// must cost less than a hundredth of what the frame costs.
struct HDF5Message {
    var numbers: [Int] = []
    var texts: [[UInt8]] = []
    var bytes: [UInt8] = []
}

/// Messages over a socket: three counts, the lengths of the texts, the numbers, the texts, the bytes. Numbers are as this
/// machine has them; both ends are the same program.
struct HDF5Channel {
    let descriptor: Int32

    private static let numberBytes = MemoryLayout<Int>.size
    /// A file of a million episodes takes some 100 MB.
    private static let largestPart = 1 << 30
    private static let headNumbers = 3

    /// - Returns: whether all was taken.
    func send(_ message: HDF5Message) -> Bool {
        let counts = [message.numbers.count, message.texts.count, message.bytes.count]
        var head = (counts + message.texts.map(\.count) + message.numbers).withUnsafeBytes { Array($0) }
        for text in message.texts { head += text }
        return send(head) && send(message.bytes)
    }

    private func send(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                // SAFETY: `done < buffer.count`, so the buffer is not empty.
                let count = Foundation.send(
                    descriptor, buffer.baseAddress! + done, buffer.count - done,
                    Int32(truncatingIfNeeded: MSG_NOSIGNAL))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
    }

    /// - Parameter largest: bytes that may come besides numbers and texts.
    /// - Returns: nil where the other side has gone, or sent something else.
    func receive(largest: Int) -> HDF5Message? {
        guard let counts = integers(Self.headNumbers), counts.allSatisfy({ $0 >= 0 }),
            counts[0] + counts[1] <= Self.largestPart / Self.numberBytes, counts[2] <= largest,
            let lengths = integers(counts[1]),
            lengths.allSatisfy({ (0...Self.largestPart).contains($0) }),
            let numbers = integers(counts[0])
        else { return nil }
        var message = HDF5Message(numbers: numbers)
        for length in lengths {
            guard let text = receive(length) else { return nil }
            message.texts.append(text)
        }
        guard let bytes = receive(counts[2]) else { return nil }
        message.bytes = bytes
        return message
    }

    private func integers(_ count: Int) -> [Int]? {
        receive(count * Self.numberBytes).map { bytes in
            bytes.withUnsafeBytes { bytes in
                (0..<count).map { bytes.loadUnaligned(fromByteOffset: $0 * Self.numberBytes, as: Int.self) }
            }
        }
    }

    private func receive(_ count: Int) -> [UInt8]? {
        var done = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while done < count {
                // SAFETY: `done < count`, so the buffer is not empty.
                let received = recv(descriptor, buffer.baseAddress! + done, count - done, 0)
                if received < 0, errno == EINTR { continue }
                guard received > 0 else { break }
                done += received
            }
            initialized = done
        }
        return done == count ? bytes : nil
    }
}
