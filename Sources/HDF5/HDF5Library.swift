import CHDF5
import DataCore
import Foundation

/// The one door to libhdf5, which runs one call at a time.
///
/// Whoever is inside looks something up or copies bytes as they are stored; inflating, decoding and resizing happen
/// outside. The library prints nothing, loads no plugins and follows no links into other files.
enum HDF5Library {
    /// Recursive, as a handle may end inside.
    private static let lock = NSRecursiveLock()

    private static let configured: Void = {
        H5open()
        // Filters from `HDF5_PLUGIN_PATH` would be code that a file chooses.
        H5PLset_loading_state(0)
    }()

    /// Runs `body` alone.
    static func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        try lock.withLock {
            _ = configured
            // The library keeps this setting for each thread.
            H5Eset_auto2(lam_h5e_default, nil, nil)
            return try body()
        }
    }

    /// The library's own account of the call that has just failed, its innermost part.
    static var lastFailure: String {
        var text = "no reason given"
        withUnsafeMutablePointer(to: &text) { pointer in
            let visit: H5E_walk2_t = { _, entry, data in
                guard let description = entry?.pointee.desc, let data else { return 0 }
                // SAFETY: `data` is the address of `text`, which outlives the walk.
                data.assumingMemoryBound(to: String.self).pointee = String(cString: description)
                return 0
            }
            _ = H5Ewalk2(lam_h5e_default, H5E_WALK_DOWNWARD, visit, pointer)
        }
        return text
    }
}

/// Owns one identifier of the library.
final class HDF5Handle: Sendable {
    let id: hid_t

    /// - Throws: `failure(reason)` if `open` gave no identifier.
    init(_ id: hid_t, _ failure: (String) -> DataError) throws {
        guard id >= 0 else { throw failure(HDF5Library.lastFailure) }
        self.id = id
    }

    deinit { HDF5Library.locked { _ = H5Idec_ref(id) } }
}
