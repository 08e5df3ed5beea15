import HDF5
import PlainVideo
import Datasets

extension DatasetFormat {
    /// All formats. Where several recognise a path, the first is right.
    public static let all: [DatasetFormat] = [.leRobot, .hdf5, .plainVideo]

    /// The format of the dataset at a path on this disk; nil if there is none.
    public static func at(_ path: String) -> DatasetFormat? { all.first { $0.recognises(path) } }
}
