import Glibc

/// Looks at a shared library before it is loaded: the loader maps what a file says that it holds, and a file that was cut
/// off, by a broken download say, would end the process.
enum LibraryFile {
    /// What is wrong with the file; nil for a whole ELF library of 64 bits.
    ///
    /// The header has where the tables of segments and sections lie (at 32 and 40) and the sizes and numbers of their entries
    /// (at 54); a segment says where its bytes lie in the file (at 8) and how many they are (at 32).
    static func fault(_ path: String) -> String? {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { return String(cString: strerror(errno)) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { return String(cString: strerror(errno)) }
        let size = Int(status.st_size)
        let cutOff = "cut off: \(size) bytes are fewer than it says"
        guard let header = bytes(of: file, 0, 64), header.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2]) else {
            return "no ELF library of 64 bits"
        }
        func number(_ bytes: [UInt8], _ place: Int, _ count: Int) -> Int? {
            Int(exactly: bytes[place..<place + count].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
        }
        guard let segments = number(header, 32, 8), let sections = number(header, 40, 8),
            let segmentSize = number(header, 54, 2), let segmentCount = number(header, 56, 2),
            let sectionSize = number(header, 58, 2), let sectionCount = number(header, 60, 2), segmentSize >= 56,
            segments < size, sections <= size, sections + sectionSize * sectionCount <= size
        else { return cutOff }
        for place in 0..<segmentCount {
            guard let entry = bytes(of: file, segments + place * segmentSize, 56), let start = number(entry, 8, 8),
                let length = number(entry, 32, 8), start <= size, length <= size - start
            else { return cutOff }
        }
        return nil
    }

    private static func bytes(of file: Int32, _ place: Int, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        return pread(file, &bytes, count, off_t(place)) == count ? bytes : nil
    }
}
