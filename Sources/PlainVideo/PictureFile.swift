import DataCore
import Foundation
import Video

/// A picture in a file of its own.
enum PictureFile {
    static let endings: Set = ["png", "jpg", "jpeg", "tif", "tiff", "webp"]

    /// - Throws: `DataError.missingFile`, `.emptyFile`, `.lfsPointer`, `.unreadableFile`.
    static func read(_ path: String, converter: RGBConverter) throws -> RGBImage {
        try MetadataFile.requireContent(path: path, purpose: "a picture")
        do {
            return try EncodedImage.decode(
                Array(Data(contentsOf: URL(fileURLWithPath: path))), converter: converter)
        } catch let failure as EncodedImage.Failure {
            throw DataError.unreadableClip(path: path, reason: failure.reason)
        } catch {
            throw DataError.unreadableFile(path: path, reason: error.localizedDescription)
        }
    }
}
