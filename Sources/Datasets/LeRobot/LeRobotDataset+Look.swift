import Video

extension LeRobotDataset {
    /// Whether a camera's pictures have the size that `info.json` says, by the first episode's video; nothing for a dataset on a
    /// hub, of which no video is here yet.
    ///
    /// - Throws: `DataError` for pictures in tables that cannot be read.
    func notes(on camera: Camera) throws -> [LookNote] {
        guard files == nil else { return [] }
        var size: (width: Int, height: Int)
        var notes: [LookNote] = []
        switch camera.kind {
        case .video:
            // What is wrong with a video is said where it is read, and may be skipped there.
            let first = episodes[positions(with: camera).first ?? 0]
            guard let container = try? VideoContainer(path: videoFile(of: first, camera: camera)),
                let video = try? VideoPictures.Video(container)
            else { return [] }
            size = (video.width, video.height)
        case .image:
            let reader = try FrameReader(dataset: self, camera: camera)
            guard let first = try? reader.sizes(episode: 0, frames: [0])[0] else { return [] }
            size = first
        }
        if size.width > 0, let declared = info.declaredSize(of: camera), declared != size {
            notes.append(
                LookNote(
                    "features.shape of meta/info.json says \(declared.width)x\(declared.height), pictures are "
                        + "\(size.width)x\(size.height) and are taken so", isWarning: true))
        }
        return notes
    }
}
