import CHDF5

/// The library that reads HDF5 files.
package enum HDF5Versions {
    /// The version that is loaded.
    package static var library: String {
        var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
        return H5get_libversion(&major, &minor, &release) < 0 ? "unknown" : "\(major).\(minor).\(release)"
    }
}
