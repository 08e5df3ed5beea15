import Foundation

/// Folders, made and moved so that they outlive the machine.
public enum Folder {
    /// Makes a folder and those above it, durably; one that is there is fine.
    ///
    /// - Throws: `FormatError.io` or `.notAFolder`.
    public static func create(_ path: String) throws(FormatError) {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
        let above = URL(fileURLWithPath: path).deletingLastPathComponent().path
        if above != path, !above.isEmpty { try create(above) }
        guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
            throw .io(path: path, operation: "create", code: errno)
        }
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw .notAFolder(path: path)
        }
        try AtomicFile.syncFolder(of: path)
    }

    /// Makes the folder that a file is to be in.
    public static func create(for path: String) throws(FormatError) {
        try create(URL(fileURLWithPath: path).deletingLastPathComponent().path)
    }

    /// Gives a file or folder another name, durably. A folder that is there is replaced if it is empty.
    ///
    /// - Throws: `FormatError.io`.
    public static func rename(_ path: String, to name: String) throws(FormatError) {
        guard Foundation.rename(path, name) == 0 else { throw .io(path: name, operation: "rename", code: errno) }
        try AtomicFile.syncFolder(of: name)
    }

    /// Removes a file, or a folder with all that is in it; links are not followed. What is gone already is fine.
    ///
    /// - Throws: `FormatError.io`.
    public static func remove(_ path: String) throws(FormatError) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard errno == ENOENT else { throw .io(path: path, operation: "remove", code: errno) }
            return
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            guard unlink(path) == 0 || errno == ENOENT else { throw .io(path: path, operation: "remove", code: errno) }
            return
        }
        for name in try names(in: path) { try remove("\(path)/\(name)") }
        guard rmdir(path) == 0 || errno == ENOENT else { throw .io(path: path, operation: "remove", code: errno) }
    }

    /// Removes what writers have left in a folder and below that nobody else writes to, and makes all names in it durable.
    ///
    /// - Throws: `FormatError.io`.
    public static func settle(_ path: String) throws(FormatError) {
        for name in try names(in: path) {
            var status = stat()
            guard lstat("\(path)/\(name)", &status) == 0 else { continue }
            if TemporaryName.isTemporary(name) {
                try remove("\(path)/\(name)")
            } else if status.st_mode & S_IFMT == S_IFDIR {
                try settle("\(path)/\(name)")
            }
        }
        try AtomicFile.syncFolder(of: "\(path)/file")
    }

    /// Whether a place, which need not exist yet, is a folder or lies in it, whatever links lead there.
    public static func contains(_ folder: String, _ path: String) -> Bool {
        let (folder, path) = (real(folder), real(path))
        return path == folder || path.hasPrefix(folder == "/" ? folder : folder + "/")
    }

    /// The path without links, as far as it exists.
    private static func real(_ path: String) -> String {
        let absolute = URL(fileURLWithPath: path).path
        if let resolved = realpath(absolute, nil) {
            defer { free(resolved) }
            return String(cString: resolved)
        }
        let url = URL(fileURLWithPath: absolute)
        let above = url.deletingLastPathComponent().path
        return above == absolute ? absolute : real(above) + (above == "/" ? "" : "/") + url.lastPathComponent
    }

    /// Names of what is in a folder, hidden ones too.
    ///
    /// - Throws: `FormatError.io`.
    public static func names(in path: String) throws(FormatError) -> [String] {
        guard let stream = opendir(path) else { throw .io(path: path, operation: "open", code: errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            // SAFETY: the system ends names with a zero within the entry, which stays valid until the next one is read.
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
