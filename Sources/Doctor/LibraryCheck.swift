import Collectives
import Configuration
import Formats
import HDF5
import Hub
import Video

/// The libraries that the program has loaded, with their versions.
enum LibraryCheck {
    static func findings() -> [Finding] {
        let versions =
            VideoLibraries.versions + [("libhdf5", HDF5Versions.library), ("libcurl", HubLibraries.curl)]
            + [("libyaml", ConfigurationLibraries.yaml)] + FormatLibraries.versions
        return [.ok("libraries", versions.map { "\($0.0) \($0.1)" }.joined(separator: ", "))]
    }
}
