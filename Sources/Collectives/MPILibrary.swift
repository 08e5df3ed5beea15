import CMPI

/// The MPI library that is loaded.
public enum MPILibrary {
    /// Its name and version, in its own words.
    public static var version: String {
        var text = [CChar](repeating: 0, count: 256)
        lam_mpi_version(&text)
        let words = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return words.split(separator: ",").first.map(String.init) ?? "MPI"
    }
}
