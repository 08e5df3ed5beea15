import DataCore
import Datasets
import Formats
import Foundation

/// What lies beside a dataset's own files and has to go along: its licence, its card, and whatever else its authors put there.
struct KeptDocuments {
    /// Paths of the files, all in the dataset's folder itself.
    let paths: [String]

    /// Endings of what is converted, rather than kept.
    private static let converted: Set = [
        "hdf5", "h5", "mp4", "m4v", "mov", "mkv", "webm", "avi", "png", "jpg", "jpeg", "csv",
    ]
    /// Bytes of a file beyond which it is no document.
    private static let largest = 64 << 20

    /// - Parameter dataset: of one that is no folder on this disk nothing is kept, nor what links out of it lead to.
    init(of dataset: any RobotDataset) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: dataset.root)) ?? []
        paths = names.sorted().map { "\(dataset.root)/\($0)" }.filter { path in
            let url = URL(fileURLWithPath: path)
            guard !url.lastPathComponent.hasPrefix("."), !Self.converted.contains(url.pathExtension.lowercased()) else {
                return false
            }
            var status = stat()
            return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_size <= Self.largest
                && OwnFiles.has(path, in: dataset.root)
        }
    }

    /// Copies the files into a folder; what is there already stays.
    ///
    /// - Throws: `DataError.unreadableFile`, `FormatError.io`.
    func copy(to folder: String) throws {
        for path in paths {
            let target = "\(folder)/\(URL(fileURLWithPath: path).lastPathComponent)"
            guard !FileManager.default.fileExists(atPath: target) else { continue }
            let bytes: [UInt8]
            do {
                bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
            } catch {
                throw DataError.unreadableFile(path: path, reason: error.localizedDescription)
            }
            try AtomicFile.write(bytes, to: target)
        }
    }
}
