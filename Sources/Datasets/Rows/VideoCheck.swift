import DataCore
import Formats
import Video

/// What can be said of one camera's videos before any frame is decoded.
struct VideoCheck {
    private let dataset: LeRobotDataset
    private let camera: Camera

    /// Headers looked at when a run opens: all files of nearly every dataset of v3.0, and of v2.x, which has a file for
    /// each episode, as many as take about a second.
    private static let largestSample = 512

    init(_ dataset: LeRobotDataset, camera: Camera) { (self.dataset, self.camera) = (dataset, camera) }

    /// What was found and does not stop anything.
    struct Findings {
        /// In sentences.
        var notes: [String] = []
        /// Videos whose episodes are left out: those that are not on this disk, hold nothing, or have odd pictures.
        var leftOut: Set<String> = []
        /// Videos whose headers were compared with what the episodes claim.
        var compared: Set<String> = []
    }

    /// An episode's file, with the episodes that lie in it.
    private struct File {
        let path: String
        var episodes: [Episode]
    }

    /// Checks that every frame has a picture of its own, as far as metadata and the headers of files on this disk tell.
    ///
    /// - Parameter onBadSample: what happens later where a frame has no picture. With `skip`, episodes whose video is
    ///   missing, or has pictures of another size, are left out, unless there are no others, and videos that are too short
    ///   are left to the samples.
    /// - Throws: `DataError`.
    func findings(onBadSample: BadSampleOption) throws -> Findings {
        if let fault = dataset.cameraFaults[camera.key] { throw fault }
        guard camera.kind == .video else { return Findings() }
        var found = Findings()
        let place = dataset.videoPlace(of: camera)
        let without = dataset.episodes.filter { $0.videos[place] == nil }
        if let first = without.first {
            guard without.count < dataset.episodes.count else {
                throw DataError.noVideo(dataset: dataset.name, camera: camera.key, episode: first.episodeIndex)
            }
            found.notes.append(
                "\(without.count) episodes (first: \(first.episodeIndex)) have no video of \(camera.key); they are left out"
            )
        }
        var files = try self.files()
        var missing: [(path: String, error: DataError)] = []
        var present: [File] = []
        for file in files {
            do {
                try requireVideo(file)
                present.append(file)
            } catch let error as DataError where error.isAboutVideoFile {
                missing.append((file.path, error))
            }
        }
        if let first = missing.first {
            let reason: String
            if missing.allSatisfy({ $0.error.isMissingVideo }), dataset.isPartialDownload {
                reason = "as LeRobot's episodes=[…] leaves them on the hub"
            } else {
                guard onBadSample == .skip else { throw first.error }
                reason = "as with data.on_bad_sample: skip"
            }
            guard !present.isEmpty else { throw first.error }
            found.notes.append(
                "\(missing.count) of \(files.count) videos of \(camera.key) are missing (first: \(first.path)); their episodes are "
                    + "left out, \(reason)")
        }
        files = present
        found.leftOut = Set(missing.map(\.path))
        guard dataset.isLocal else { return found }
        try requireTimes(files)
        var pictures = VideoPictures()
        var otherRates: [(path: String, rate: Double)] = []
        let sample = stride(from: 0, to: files.count, by: (files.count + Self.largestSample - 1) / Self.largestSample)
        for place in files.isEmpty ? Array(0..<0) : Array(sample) {
            // A file that cannot be opened is told when its frames are asked for.
            guard let container = try? VideoContainer(path: files[place].path) else { continue }
            do {
                if let frames = container.declaredFrames {
                    try require(frames, in: files[place])
                    if let rate = otherRate(of: container, frames, files[place]) {
                        otherRates.append((container.path, rate))
                    }
                }
                found.compared.insert(container.path)
                pictures.videos.append(try VideoPictures.Video(container))
            } catch let error as DataError where onBadSample == .skip && error.isAboutFrames {
                found.notes.append("\(error); samples without a picture are replaced, as data.on_bad_sample says")
            }
        }
        if let (odd, usual) = pictures.odd(declared: dataset.info.declaredSize(of: camera)), let first = odd.first {
            guard onBadSample == .skip else {
                throw DataError.mixedPictures(
                    dataset: dataset.name, camera: camera.key, path: first.path, size: first.description,
                    otherPath: usual.path, otherSize: usual.description)
            }
            found.notes.append(
                "\(odd.count) of \(pictures.videos.count) videos of \(camera.key) have pictures of another size (first: "
                    + "\(first.path): \(first.description); others \(usual.description)); their episodes are left out, as "
                    + "data.on_bad_sample says")
            found.leftOut.formUnion(odd.map(\.path))
            pictures.videos.removeAll { found.leftOut.contains($0.path) }
        }
        if let first = otherRates.first {
            let rate = (first.rate * 100).rounded() / 100
            found.notes.append(
                "\(otherRates.count) videos of \(camera.key) have another rate than meta/info.json (first: \(first.path): "
                    + "\(rate) frames/s, not \(dataset.fps)); they have a frame for each row, so frames are taken by number"
            )
        }
        if let note = pictures.note { found.notes.append("\(camera.key): \(note)") }
        return found
    }

    /// The rate of a video that is not the dataset's, where frames are found by number all the same.
    private func otherRate(of container: VideoContainer, _ frames: Int, _ file: File) -> Double? {
        // A film of few frames ends too soon to tell its rate.
        guard frames >= 4, let rate = container.declaredRate, abs(rate / dataset.fps - 1) > 0.02,
            let location = dataset.video(of: file.episodes[0], camera: camera),
            location.framesInFile == frames, location.followsLengths
        else { return nil }
        return rate
    }

    /// Opens every video and compares the frames that its header promises with those that the episodes claim.
    ///
    /// - Parameter compared: videos of which that is done.
    /// - Throws: `DataError`, also for a video that cannot be opened.
    func requireFrames(besides compared: Set<String>) throws {
        guard camera.kind == .video else { return }
        for file in try files() where !compared.contains(file.path) {
            if let frames = try VideoContainer(path: file.path).declaredFrames { try require(frames, in: file) }
        }
    }

    /// Checks what makes pictures wrong rather than missing.
    func requireDistinctFrames() throws {
        if let fault = dataset.cameraFaults[camera.key] { throw fault }
        guard camera.kind == .video, dataset.files == nil else { return }
        try requireTimes(files())
    }

    /// The first video that is there.
    func firstVideo() throws -> String {
        let files = try files()
        let present = dataset.files == nil ? files.first { (try? requireVideo($0)) != nil } : nil
        guard let path = (present ?? files.first)?.path else {
            throw DataError.noVideo(
                dataset: dataset.name, camera: camera.key, episode: dataset.episodes[0].episodeIndex)
        }
        return path
    }

    private func files() throws -> [File] {
        let camera = dataset.videoPlace(of: camera)
        var places: [FileNumber: Int] = [:]
        var files: [File] = []
        for episode in dataset.episodes {
            guard let number = episode.videos[camera]?.file else { continue }
            if let place = places[number] {
                files[place].episodes.append(episode)
            } else {
                places[number] = files.count
                files.append(
                    File(path: try dataset.videoFile(of: episode, camera: self.camera), episodes: [episode]))
            }
        }
        return files
    }

    private func requireVideo(_ file: File) throws {
        if let files = dataset.files {
            try files.require(String(file.path.dropFirst(dataset.root.count + 1)))
        } else {
            try VideoFrameSource.requireVideo(file.path, dataset: dataset, camera: camera, episode: file.episodes[0])
        }
    }

    /// Checks that the episodes of a file lie in its frames, and none in another's.
    ///
    /// - Parameter frames: those of the file, by its header.
    private func require(_ frames: Int, in file: File) throws {
        var ranges = file.episodes.compactMap { episode in
            dataset.video(of: episode, camera: camera).map { location in
                let base = location.base(frames: frames, fps: dataset.fps)
                return (episode: episode, start: base, end: base + episode.length)
            }
        }
        ranges.sort { ($0.start, $0.episode.episodeIndex) < ($1.start, $1.episode.episodeIndex) }
        if let last = ranges.max(by: { $0.end < $1.end }), last.end > frames {
            throw DataError.framesBeyondVideo(
                dataset: dataset.name, camera: camera.key, episode: last.episode.episodeIndex, path: file.path,
                claimed: last.end, found: frames)
        }
        for (range, next) in zip(ranges, ranges.dropFirst()) where next.start < range.end {
            // A header also counts frames that are never shown; only the packets tell whether the lengths fit.
            let location = dataset.video(of: range.episode, camera: camera)
            if try VideoIndex(path: file.path).count == location?.framesInFile, location?.followsLengths == true {
                return
            }
            throw DataError.overlappingEpisodes(
                dataset: dataset.name, camera: camera.key, first: range.episode.episodeIndex,
                second: next.episode.episodeIndex, frames: range.end - next.start)
        }
    }

    /// Where the times of rows are others than their numbers say, the numbers are only to be trusted if the file has one
    /// frame for each row.
    private func requireTimes(_ files: [File]) throws {
        guard !dataset.strayTimes.isEmpty else { return }
        for file in files {
            for episode in file.episodes {
                guard let seconds = dataset.strayTimes[episode.episodeIndex],
                    let location = dataset.video(of: episode, camera: camera),
                    let frames = try? VideoIndex(path: file.path).count, frames != location.framesInFile
                else { continue }
                throw DataError.strayTimes(
                    dataset: dataset.name, camera: camera.key, episode: episode.episodeIndex, seconds: seconds,
                    path: file.path, rows: location.framesInFile, frames: frames)
            }
        }
    }
}

extension LeRobotDataset {
    /// Checks that no two episodes claim the same frames of a camera's videos, and that the rows' times name the frames that
    /// are read.
    ///
    /// - Throws: `DataError.overlappingEpisodes`, `.missingCameraColumn`, `.strayTimes`.
    public func requireDistinctFrames(camera: Camera) throws {
        try VideoCheck(self, camera: camera).requireDistinctFrames()
    }

    /// Checks what can be checked of a camera before a run: see `VideoCheck`.
    ///
    /// - Returns: what was found and does not stop anything, in sentences.
    /// - Throws: `DataError`.
    public func videoNotes(camera: Camera, onBadSample: BadSampleOption = .fail) throws -> [String] {
        try VideoCheck(self, camera: camera).findings(onBadSample: onBadSample).notes
    }

    /// Takes some videos of a camera from the episodes, which have none then: a run that skips bad samples must not meet
    /// them one by one until it has skipped too many.
    mutating func leaveOut(_ videos: Set<String>, of camera: Camera) throws {
        guard !videos.isEmpty else { return }
        let place = videoPlace(of: camera)
        for position in episodes.indices where episodes[position].videos[place] != nil {
            if videos.contains(try videoFile(of: episodes[position], camera: camera)) {
                episodes[position].videos[place] = nil
            }
        }
    }

    /// Places, in `episodes`, of those that have pictures of a camera.
    public func positions(with camera: Camera) -> [Int] {
        guard camera.kind == .video else { return Array(episodes.indices) }
        let place = videoPlace(of: camera)
        return episodes.indices.filter { episodes[$0].videos[place] != nil }
    }
}
