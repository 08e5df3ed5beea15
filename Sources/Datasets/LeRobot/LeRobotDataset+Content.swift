import Foundation

extension LeRobotDataset {
    /// The files that say which picture a frame of a camera is, and those that hold the pictures, by their paths below
    /// the root: `meta/info.json`, the table of episodes, and videos or data files.
    ///
    /// Of a dataset on a hub, one entry that names repository and commit and has no path.
    public func contentFiles(camera: Camera) throws -> [(name: String, path: String)] {
        if let files { return [(files.identity, "")] }
        let meta = (FileManager.default.enumerator(atPath: "\(root)/meta")?.compactMap { $0 as? String } ?? [])
            .filter {
                $0 == "info.json" || $0 == "episodes.jsonl" || $0.hasPrefix("episodes/") && $0.hasSuffix(".parquet")
            }
            .map { "\(root)/meta/\($0)" }
        let pictures = try positions(with: camera).flatMap { position in
            let episode = episodes[position]
            return try camera.kind == .video
                ? [videoFile(of: episode, camera: camera)] : episode.rows.files.map { try dataFile($0) }
        }
        // With `data.on_bad_sample: skip` some may be missing; one that comes back makes another content.
        .filter { FileManager.default.fileExists(atPath: $0) }
        return Set(meta + pictures).sorted().map { (String($0.dropFirst(root.count + 1)), $0) }
    }
}
