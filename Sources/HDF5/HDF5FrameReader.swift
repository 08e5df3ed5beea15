import DataCore
import Datasets
import Video

/// Reads pictures of one camera of an HDF5 dataset, upright and in RGB. For use by one thread at a time.
public final class HDF5FrameReader: FrameProvider {
    public let dataset: HDF5Dataset
    public let camera: Camera
    public let look: CameraLook

    private let pool: ReaderPool
    private let converter = RGBConverter()
    private var rows = HDF5RowReader()

    /// - Parameters:
    ///   - camera: one of `dataset.cameras`.
    ///   - pool: open files, shared with other readers.
    ///   - look: what is done to pictures; nil: what the files call for.
    /// - Throws: `DataError.unknownCamera`.
    public init(
        dataset: HDF5Dataset, camera: Camera, pool: ReaderPool = ReaderPool(maximumOpenFiles: 4),
        look: CameraLook? = nil
    ) throws {
        guard dataset.cameras.contains(camera) else {
            throw DataError.unknownCamera(
                dataset: dataset.name, camera: camera.key, cameras: dataset.cameras.map(\.key))
        }
        (self.dataset, self.camera, self.pool) = (dataset, camera, pool)
        self.look = look ?? dataset.look(of: camera)
    }

    /// The frames of one episode, in the order asked for.
    ///
    /// - Throws: `DataError.unreadableImage`, `.unreadableHDF5`, `.invalidHDF5`. The reader stays usable.
    public func frames(episode: Int, frames: [Int]) throws -> [RGBImage] {
        precondition(dataset.episodes.indices.contains(episode), "episode \(episode) of \(dataset.episodes.count)")
        let record = dataset.episodes[episode]
        for frame in frames {
            precondition((0..<record.length).contains(frame), "frame \(frame) of \(record.length)")
        }
        let path = dataset.files[record.file]
        let file = try pool.take(path) { try HDF5Reader(path: path) }
        defer { pool.giveBack(file, path) }
        let array = try file.array(dataset.pictures(of: record, camera: camera))
        guard array.length >= record.length else {
            throw DataError.invalidHDF5(
                path: path, object: array.object, expected: "\(record.length) frames, as when it was opened",
                got: "\(array.length)")
        }
        // Ascending order reads a chunk once.
        var images: [Int: RGBImage] = [:]
        for frame in Set(frames).sorted() { images[frame] = try image(frame, of: array, in: file) }
        // SAFETY: every element of `frames` was read in the loop above.
        return frames.map { images[$0]! }
    }

    private func image(_ frame: Int, of array: HDF5Array, in file: HDF5Reader) throws -> RGBImage {
        var bytes: [UInt8]
        do {
            bytes = try rows.row(frame, of: array, in: file.descriptor)
        } catch DataError.unreadableHDF5(let path, let object, let reason) {
            throw DataError.unreadableImage(path: path, row: frame, column: object, reason: reason)
        }
        if array.shape.count == 4 {
            let (height, width) = (array.shape[1], array.shape[2])
            guard bytes.count == width * height * 3 else {
                throw DataError.unreadableImage(
                    path: array.path, row: frame, column: array.object,
                    reason: "expected \(width)x\(height) RGB, got \(bytes.count) bytes")
            }
            return look.applied(to: RGBImage(width: width, height: height, pixels: bytes))
        }
        if PictureHeader(bytes) == nil, let image = rawImage(bytes, of: array, in: file) { return image }
        // Rows of equal length are padded with zeros.
        while bytes.last == 0 { bytes.removeLast() }
        do {
            let isMarked = look.obeysMarks && JPEGMark.isRGB(bytes)
            return look.applied(
                to: try EncodedImage.decode(bytes, converter: converter),
                exchanging: look.exchangesRedAndBlue && !isMarked)
        } catch let error as EncodedImage.Failure {
            throw DataError.unreadableImage(
                path: array.path, row: frame, column: array.object, reason: error.reason)
        }
    }

    // MARK: Raw pictures among files

    /// Size of an array's encoded pictures, by the first that is one.
    private var encodedSize: (path: String, object: String, width: Int, height: Int)?
    private static let examinedRows = 16

    /// A frame that was stored as its H × W × 3 numbers where the others are files: RoboMIND's recorders did so now and
    /// then. They are what the encoder was given, so their channels are exchanged where those of files are not.
    ///
    /// - Returns: nil for bytes that are no such frame.
    private func rawImage(_ bytes: [UInt8], of array: HDF5Array, in file: HDF5Reader) -> RGBImage? {
        guard let size = size(of: array, in: file) else { return nil }
        let count = size.width * size.height * 3
        guard bytes.count >= count, bytes[count...].allSatisfy({ $0 == 0 }) else { return nil }
        return look.applied(
            to: RGBImage(width: size.width, height: size.height, pixels: Array(bytes.prefix(count))),
            exchanging: !look.exchangesRedAndBlue)
    }

    private func size(of array: HDF5Array, in file: HDF5Reader) -> (width: Int, height: Int)? {
        if let known = encodedSize, (known.path, known.object) == (array.path, array.object) {
            return (known.width, known.height)
        }
        for row in 0..<min(Self.examinedRows, array.length) {
            guard let bytes = try? rows.row(row, of: array, in: file.descriptor), PictureHeader(bytes) != nil,
                let image = try? EncodedImage.decode(bytes, converter: converter)
            else { continue }
            encodedSize = (array.path, array.object, image.width, image.height)
            return (image.width, image.height)
        }
        return nil
    }
}
