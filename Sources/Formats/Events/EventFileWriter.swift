import Foundation

/// Writes a TensorBoard event file, `events.out.tfevents.<unix seconds>.<host>.<process id>.<n>`.
///
/// A file is a series of TFRecords: length (8 bytes), its masked CRC-32C (4), an `Event` message, its masked CRC-32C (4).
/// The first event names the file's version. Events are gathered in memory and appended in whole records once there are
/// `maximumBufferedBytes`, once `flushSeconds` have passed since the last append, and by `flush()`; a killed process loses
/// what is gathered and nothing else, and readers skip a record that a full disk cut off.
public final class EventFileWriter {
    public let path: String
    private var descriptor: Int32
    private var buffer: [UInt8] = []
    private var lastFlush: Double
    private let flushSeconds: Double

    private static let maximumBufferedBytes = 1 << 18

    /// Creates a new file in `folder`, which must exist.
    /// - Parameters:
    ///   - host: part of the name.
    ///   - time: seconds since 1970: part of the name and the first event's time.
    ///   - flushSeconds: the longest that an event waits for a later one to push it to the file.
    /// - Throws: `FormatError.io`.
    public init(
        folder: String, host: String = ProcessInfo.processInfo.hostName,
        time: Double = Date().timeIntervalSince1970, flushSeconds: Double = 30
    ) throws(FormatError) {
        let stem = "\(folder)/events.out.tfevents.\(Int(time)).\(host).\(getpid())"
        var number = 0
        var opened: Int32 = -1
        // Never two writers in one file: a name that exists belongs to an earlier writer of this process.
        repeat {
            opened = open("\(stem).\(number)", O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o666)
            number += 1
        } while opened < 0 && errno == EEXIST
        path = "\(stem).\(number - 1)"
        descriptor = opened
        lastFlush = time
        self.flushSeconds = flushSeconds
        guard opened >= 0 else { throw .io(path: path, operation: "create", code: errno) }
        try append(time: time, step: nil) { $0.string(3, "brain.Event:2") }
        try flush(at: time)
    }

    deinit {
        // Nobody is left to tell of a failure; who wants to know calls flush().
        try? flush()
        if descriptor >= 0 { close(descriptor) }
    }

    /// Adds a number, shown under "scalars".
    public func scalar(
        _ tag: String, _ value: Float, step: Int, time: Double = Date().timeIntervalSince1970
    ) throws(FormatError) {
        try summary(tag, step: step, time: time) { $0.float(2, value) }
    }

    /// Adds an image that is already a PNG.
    /// - Parameter channels: 1 grey, 3 RGB, 4 RGBA.
    public func image(
        _ tag: String, png: [UInt8], width: Int, height: Int, channels: Int = 3, step: Int,
        time: Double = Date().timeIntervalSince1970
    ) throws(FormatError) {
        try summary(tag, step: step, time: time) { value in
            value.message(4) { image in
                image.varint(1, Int64(height))
                image.varint(2, Int64(width))
                image.varint(3, Int64(channels))
                image.data(4, png)
            }
        }
    }

    /// Adds Markdown text.
    public func text(
        _ tag: String, _ text: String, step: Int, time: Double = Date().timeIntervalSince1970
    ) throws(FormatError) {
        try summary("\(tag)/text_summary", step: step, time: time) { value in
            value.message(8) { tensor in
                tensor.varint(1, 7)  // DT_STRING
                tensor.message(2) { shape in shape.message(2) { $0.varint(1, 1) } }
                tensor.string(8, text)
            }
            value.message(9) { metadata in metadata.message(1) { $0.string(1, "text") } }
        }
    }

    /// Adds a histogram of `counts` of values, where bucket `i` reaches up to `limits[i]`.
    public func histogram(
        _ tag: String, limits: [Double], counts: [Double], minimum: Double, maximum: Double, sum: Double,
        sumOfSquares: Double, step: Int, time: Double = Date().timeIntervalSince1970
    ) throws(FormatError) {
        precondition(limits.count == counts.count, "\(limits.count) limits, \(counts.count) counts")
        try summary(tag, step: step, time: time) { value in
            value.message(5) { histogram in
                histogram.double(1, minimum)
                histogram.double(2, maximum)
                histogram.double(3, counts.reduce(0, +))
                histogram.double(4, sum)
                histogram.double(5, sumOfSquares)
                histogram.packed(6, limits)
                histogram.packed(7, counts)
            }
        }
    }

    /// Appends what is gathered to the file.
    public func flush() throws(FormatError) { try flush(at: Date().timeIntervalSince1970) }

    private func flush(at time: Double) throws(FormatError) {
        lastFlush = time
        var written = 0
        while written < buffer.count {
            let result = buffer.withUnsafeBytes { bytes in
                // SAFETY: not empty here, and the remaining bytes lie within the buffer.
                Foundation.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
            }
            if result < 0 {
                if errno == EINTR { continue }
                let code = errno
                // Keeps the rest: what did not fit now is tried again with the next event.
                buffer.removeFirst(written)
                throw .io(path: path, operation: "write", code: code)
            }
            written += result
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private func summary(
        _ tag: String, step: Int, time: Double, _ build: (inout ProtobufEncoder) -> Void
    ) throws(FormatError) {
        try append(time: time, step: step) { event in
            event.message(5) { summary in
                summary.message(1) { value in
                    value.string(1, tag)
                    build(&value)
                }
            }
        }
    }

    private func append(time: Double, step: Int?, _ build: (inout ProtobufEncoder) -> Void) throws(FormatError) {
        var event = ProtobufEncoder()
        event.double(1, time)
        if let step { event.varint(2, Int64(step)) }
        build(&event)
        let length = withUnsafeBytes(of: UInt64(event.bytes.count).littleEndian) { [UInt8]($0) }
        buffer += length
        withUnsafeBytes(of: CRC32C.masked(length).littleEndian) { buffer.append(contentsOf: $0) }
        buffer += event.bytes
        withUnsafeBytes(of: CRC32C.masked(event.bytes).littleEndian) { buffer.append(contentsOf: $0) }
        if buffer.count >= Self.maximumBufferedBytes || time - lastFlush >= flushSeconds { try flush(at: time) }
    }
}
