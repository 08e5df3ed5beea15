import DataCore

extension VideoContainer {
    /// Checks that an mp4 file shows its film in one piece. Of several parts libavformat gives frames that another decoder
    /// does not show, and none says so.
    ///
    /// - Parameter source: the bytes, where they are not all on this disk.
    /// - Throws: `DataError.unreadableVideo`.
    func requireOneEdit(_ source: (any ByteSource)?) throws {
        guard tellsReordering else { return }
        let parts = try (source ?? LocalFile(path)).shownParts()
        guard parts <= 1 else {
            throw DataError.unreadableVideo(
                path: path,
                reason:
                    "expected a film in one piece, got an edit list that shows \(parts) parts of it; write it anew as it is "
                    + "shown (ffmpeg -i IN -c:v libx264 OUT), or whole (ffmpeg -ignore_editlist 1 -i IN -c copy OUT)")
        }
    }
}
