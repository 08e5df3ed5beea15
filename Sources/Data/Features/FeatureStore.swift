import Formats
import Foundation

/// The cached features of one dataset: a folder with the key and a sparse file that has a place for every frame.
///
///     key.json        what the features depend on
///     features.bin    record of frame f at f × stride: "LAMF", CRC-32, bf16 values; zeros where none was written
///
/// The checksum covers the key and the frame's number, too. So a record is whole or does not count, whoever was killed
/// while writing it, and processes need no lock among each other: all of them would write the same. A process that uses
/// the file holds a shared lock on it, which keeps others from removing it.
final class FeatureStore: Sendable {
    let folder: String
    /// Bytes from one record to the next: whole pages, so that no page has parts of two.
    let stride: Int
    private let frames: Int
    private let values: Int
    private let fingerprint: UInt64
    private let descriptor: Int32

    private static let magic: UInt32 = 0x464D_414C
    private static let page = 4096
    static let keyName = "key.json"
    static let fileName = "features.bin"

    /// Opens the store of a key below `root`, or makes an empty one.
    ///
    /// - Parameter values: elements of a frame's features.
    /// - Throws: `FormatError.io`.
    init(key: FeatureKey, root: String, frames: Int, values: Int) throws {
        let (payload, overflow) = values.multipliedReportingOverflow(by: 2)
        precondition(values > 0 && !overflow && payload < 1 << 40, "\(values) features of a frame")
        folder = "\(root)/\(key.folderName)"
        stride = (8 + payload + Self.page - 1) / Self.page * Self.page
        self.frames = frames
        self.values = values
        fingerprint = key.fingerprint
        let path = "\(folder)/\(Self.fileName)"
        func failure(_ operation: String) -> FormatError { .io(path: path, operation: operation, code: errno) }
        let (bytes, isTooLarge) = stride.multipliedReportingOverflow(by: frames)
        guard !isTooLarge else { throw FormatError.io(path: path, operation: "extend", code: EFBIG) }

        while true {
            guard mkdir(folder, 0o777) == 0 || errno == EEXIST else { throw failure("create") }
            let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else {
                if errno == ENOENT { continue }
                throw failure("open")
            }
            var status = stat()
            let isUsable = flock(descriptor, LOCK_SH) == 0 && fstat(descriptor, &status) == 0
            // Another process may have removed the folder before the lock held.
            if isUsable, !Self.isFile(descriptor, at: path) {
                close(descriptor)
                continue
            }
            // Holes cost nothing; an existing file is never shortened.
            guard isUsable, status.st_size >= bytes || ftruncate(descriptor, off_t(bytes)) == 0 else {
                let error = failure("open")
                close(descriptor)
                throw error
            }
            do {
                // Only now that the lock keeps the folder from being removed.
                try Self.writeKey(key, to: "\(folder)/\(Self.keyName)")
            } catch {
                close(descriptor)
                throw error
            }
            self.descriptor = descriptor
            return
        }
    }

    deinit { close(descriptor) }

    private static func writeKey(_ key: FeatureKey, to path: String) throws {
        guard FeatureKey(contentsOf: path) != key else { return }
        do {
            try key.write(to: path)
        } catch {
            // Two threads, or two containers' processes with one number, share the temporary file: then one of them
            // fails, but the key is there.
            guard FeatureKey(contentsOf: path) == key else { throw error }
        }
    }

    /// Whether an open file is the one that lies at a path now.
    static func isFile(_ descriptor: Int32, at path: String) -> Bool {
        var (opened, current) = (stat(), stat())
        return fstat(descriptor, &opened) == 0 && stat(path, &current) == 0
            && opened.st_ino == current.st_ino && opened.st_dev == current.st_dev
    }

    /// Bytes on the disk that a full store takes.
    var fullBytes: Int { stride * frames }

    /// The features of a frame; nil where there are none, or where they are damaged.
    func read(_ frame: Int) -> FrameFeatures? {
        precondition((0..<frames).contains(frame), "frame \(frame) of \(frames)")
        var header = (magic: UInt32(0), checksum: UInt32(0))
        var isWhole = false
        let bits = [UInt16](unsafeUninitializedCapacity: values) { target, initialized in
            // SAFETY: what was not read counts as uninitialised below and is never looked at.
            isWhole = withUnsafeMutableBytes(of: &header) { header in
                transfer(frame, header, UnsafeMutableRawBufferPointer(target), preadv)
            }
            isWhole = isWhole && header.magic == Self.magic
            isWhole = isWhole && header.checksum == checksum(frame, UnsafeRawBufferPointer(target))
            initialized = isWhole ? values : 0
        }
        return isWhole ? FrameFeatures(bits: bits) : nil
    }

    /// Keeps the features of a frame.
    ///
    /// - Returns: false if the disk is full or fails.
    func write(_ features: FrameFeatures, frame: Int) -> Bool {
        precondition((0..<frames).contains(frame), "frame \(frame) of \(frames)")
        precondition(features.bits.count == values, "\(features.bits.count) features, expected \(values)")
        return features.bits.withUnsafeBytes { bits in
            var header = (magic: Self.magic, checksum: checksum(frame, bits))
            return withUnsafeMutableBytes(of: &header) { header in
                // SAFETY: `iovec` has no constant pointers, but `pwritev` only reads.
                transfer(frame, header, UnsafeMutableRawBufferPointer(mutating: bits), pwritev)
            }
        }
    }

    private func transfer(
        _ frame: Int, _ header: UnsafeMutableRawBufferPointer, _ payload: UnsafeMutableRawBufferPointer,
        _ call: (Int32, UnsafePointer<iovec>, Int32, off_t) -> Int
    ) -> Bool {
        let parts = [
            iovec(iov_base: header.baseAddress, iov_len: header.count),
            iovec(iov_base: payload.baseAddress, iov_len: 2 * values),
        ]
        // A record that was cut short counts as missing, so nothing is gained by going on in the middle.
        return call(descriptor, parts, 2, off_t(frame * stride)) == header.count + 2 * values
    }

    private func checksum(_ frame: Int, _ payload: UnsafeRawBufferPointer) -> UInt32 {
        withUnsafeBytes(of: (fingerprint.littleEndian, UInt64(frame).littleEndian)) { place in
            crc32(UnsafeRawBufferPointer(rebasing: payload[..<(2 * values)]), continuing: crc32(place))
        }
    }
}
