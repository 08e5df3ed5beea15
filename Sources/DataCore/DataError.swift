/// Everything that can be wrong with a dataset, a video, a file of the hub or a question about one. Cases carry facts;
/// `description` holds the wording, always "what failed: where: expected, got; what to do".
public enum DataError: Error, Sendable, Equatable {
    // MARK: Files

    /// A file that the metadata call for is not there.
    case missingFile(path: String, purpose: String)
    /// The file exists, but reading it failed.
    case unreadableFile(path: String, reason: String)
    /// The file has no bytes.
    case emptyFile(path: String)
    /// The file is the text stub that Git LFS leaves in place of the content.
    case lfsPointer(path: String)
    /// The bytes are not JSON; `line` and `column` count from 1.
    case malformedJSON(path: String, line: Int, column: Int, reason: String)
    /// A field is absent or holds something else than it should; `line` only for JSON-lines files.
    case invalidField(path: String, line: Int?, field: String, expected: String, got: String)

    // MARK: Metadata

    case unsupportedVersion(path: String, version: String, supported: [String])
    /// Rows and videos are kept in another form than Parquet and mp4 files.
    case unsupportedStorage(path: String, format: String)
    case malformedTemplate(path: String, field: String, template: String, reason: String)
    case unknownPlaceholder(path: String, field: String, template: String, placeholder: String, known: [String])
    case templateEscapesRoot(path: String, field: String, template: String)
    /// An episode's declared length is not what its data file holds.
    case episodeLengthMismatch(
        dataset: String, episode: Int, declared: Int, declaredIn: String, found: Int, foundIn: String)
    /// `meta/episodes` lacks a column of a camera that `info.json` declares.
    case missingCameraColumn(path: String, camera: String, column: String)

    /// There is nothing in the dataset.
    case noEpisodes(dataset: String, root: String)

    // MARK: Cameras

    case unknownCamera(dataset: String, camera: String, cameras: [String])
    case ambiguousCamera(dataset: String, cameras: [String])
    case noCameras(dataset: String)
    /// None of the cameras sees colours, and none was named.
    case noColorCamera(dataset: String, cameras: [String])
    /// A depth camera was named without saying which distances are to be seen.
    case depthNeedsRange(dataset: String, camera: String, what: String)
    /// Something that takes colours only was asked to take a depth camera.
    case depthCamera(dataset: String, camera: String, purpose: String)

    // MARK: Video and images

    case missingVideo(dataset: String, camera: String, episode: Int, path: String)
    /// `meta` says that an episode has no video of a camera.
    case noVideo(dataset: String, camera: String, episode: Int)
    /// Two episodes claim the same frames of a video.
    case overlappingEpisodes(dataset: String, camera: String, first: Int, second: Int, frames: Int)
    /// Episodes of a video claim frames behind its end; `claimed` is the end of the last one's range.
    case framesBeyondVideo(dataset: String, camera: String, episode: Int, path: String, claimed: Int, found: Int)
    /// The times of an episode's rows and their numbers name different frames of a video.
    case strayTimes(
        dataset: String, camera: String, episode: Int, seconds: Double, path: String, rows: Int, frames: Int)
    /// The container cannot be opened or its packets cannot be listed.
    case unreadableVideo(path: String, reason: String)
    /// Videos of one camera are shown in different sizes, some of them after a turn.
    case mixedPictures(
        dataset: String, camera: String, path: String, size: String, otherPath: String, otherSize: String)
    /// A frame's packets do not decode. `time` is in seconds of the file.
    case undecodableFrame(path: String, codec: String, time: Double, reason: String)
    /// Size or pixel format change inside one video.
    case videoChangesFormat(path: String, time: Double, from: String, to: String)
    /// No frame of the file lies at the asked time. Times are in seconds of the file.
    case frameNotFound(
        dataset: String, episode: Int, frame: Int, camera: String, path: String, asked: Double, nearest: Double?,
        framesInFile: Int, tolerance: Double)
    /// An image stored in a data file cannot be used; `row` counts from 0 in that file.
    case unreadableImage(path: String, row: Int, column: String, reason: String)

    // MARK: HDF5

    /// libhdf5 cannot do what is asked of it with a file or an object in one.
    case unreadableHDF5(path: String, object: String, reason: String)
    /// An object of an HDF5 file is not what its place in the layout calls for.
    case invalidHDF5(path: String, object: String, expected: String, got: String)
    /// An object uses a feature that would read other files or run other code.
    case refusedHDF5(path: String, object: String, feature: String)
    /// Files of one folder that do not belong to one dataset.
    /// What another process has found, in its words.
    case told(String)
    case mixedHDF5(dataset: String, what: String, first: String, firstPath: String, second: String, secondPath: String)
    /// Neither the files nor `data.fps` tell the rate.
    case unknownRate(dataset: String, path: String)

    // MARK: Plain video

    /// A folder of numbered pictures, or a picture of one, cannot be used.
    case unreadableClip(path: String, reason: String)
    /// A folder of plain videos has none.
    case noClips(dataset: String, root: String)
    /// Pictures do not tell their rate, and single frames have none.
    case unknownClipRate(dataset: String, path: String)
    /// A dataset with a description of its own lies among plain videos.
    case datasetAmongClips(dataset: String, found: String)
    /// A row of a table of segments does not fit the videos; lines count from 1.
    case segments(path: String, line: Int, expected: String, got: String)

    // MARK: Hub

    /// A repository, revision or file of the hub whose name cannot be one.
    case invalidHubName(what: String, got: String, expected: String)
    /// A file that the hub's cache on this disk lacks.
    case missingHubFile(repository: HubRepository, file: String, lookedFor: String)
    /// The cache has an entry that leads nowhere.
    case damagedHubCache(path: String, problem: String, remedy: String)
    /// A hub on the network.
    case hub(HubFailure)
}

extension DataError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .missingFile(let path, let purpose):
            return "missing file: \(path): expected \(purpose); check the dataset path or download the file again"
        case .unreadableFile(let path, let reason):
            return "cannot read file: \(path): \(reason)"
        case .emptyFile(let path):
            return "empty file: \(path): expected content, got 0 bytes; download it again"
        case .lfsPointer(let path):
            return "Git LFS pointer instead of content: \(path): the file itself was never downloaded; run git lfs pull"
        case .malformedJSON(let path, let line, let column, let reason):
            return "malformed JSON: \(path):\(line):\(column): \(reason); " + Self.correction
        case .invalidField(let path, let line, let field, let expected, let got):
            return
                "invalid metadata: \(path)\(line.map { ":\($0)" } ?? ""): \(field): expected \(expected), got \(got); "
                + Self.correction
        case .unsupportedVersion(let path, let version, let supported):
            return "unsupported LeRobot version: \(path): codebase_version: expected one of "
                + "\(supported.joined(separator: ", ")), got \(version); convert it with the LeRobot release that reads it"
        case .unsupportedStorage(let path, let format):
            return
                "unsupported storage: \(path): storage_format: expected parquet, got \(format); use the dataset that it "
                + "was made from, or write it as Parquet and mp4 files with LeRobot (save_episode into a new dataset)"
        case .malformedTemplate(let path, let field, let template, let reason):
            return "malformed path template: \(path): \(field) \"\(template)\": \(reason)"
        case .unknownPlaceholder(let path, let field, let template, let placeholder, let known):
            return "unknown placeholder in path template: \(path): \(field) \"\(template)\": expected one of "
                + known.map { "{\($0)}" }.joined(separator: ", ") + ", got {\(placeholder)}"
        case .templateEscapesRoot(let path, let field, let template):
            return "path template escapes the dataset root: \(path): \(field) \"\(template)\": "
                + "expected a relative path without .."
        case .episodeLengthMismatch(let dataset, let episode, let declared, let declaredIn, let found, let foundIn):
            return "episode length disagrees: dataset \(dataset), episode \(episode): \(declaredIn) says "
                + "\(declared) frames, \(foundIn) has \(found) rows; download both again, or correct the length"
        case .missingCameraColumn(let path, let camera, let column):
            return "missing camera column: \(path): camera \(camera): expected column \(column), got none; name "
                + "another camera"
        case .noEpisodes(let dataset, let root):
            return "no episodes: dataset \(dataset): expected at least one in \(root)/meta; download it again"
        case .unknownCamera(let dataset, let camera, let cameras):
            return
                "unknown camera: dataset \(dataset): expected one of \(cameras.joined(separator: ", ")), got \(camera)"
                + NearestName.hint(camera, in: cameras + cameras.map { String($0.split(separator: ".").last ?? "") })
        case .ambiguousCamera(let dataset, let cameras):
            return "no camera chosen: dataset \(dataset) has \(cameras.count) cameras: "
                + "\(cameras.joined(separator: ", ")); name one of them"
        case .noCameras(let dataset):
            return "no camera: dataset \(dataset): expected a feature of dtype video or image, got none"
        case .noColorCamera(let dataset, let cameras):
            return
                "no colour camera: dataset \(dataset): depth or one channel only: \(cameras.joined(separator: ", ")); "
                + "to learn from one on purpose, name it (data.image_keys) and its range (data.depth)"
        case .depthNeedsRange(let dataset, let camera, let what):
            return
                "depth is not colour: dataset \(dataset), camera \(camera): \(what): expected a range of distances to "
                + "look at, got none; name a colour camera, or set data.depth: {range: [MIN, MAX]}"
        case .depthCamera(let dataset, let camera, let purpose):
            return "depth is not colour: dataset \(dataset), camera \(camera): \(purpose)"
        case .missingVideo(let dataset, let camera, let episode, let path):
            return
                "missing video: dataset \(dataset), camera \(camera), episode \(episode): expected file \(path); download "
                + "it again; a training leaves its episodes out with data.on_bad_sample: skip"
        case .noVideo(let dataset, let camera, let episode):
            return "no video: dataset \(dataset), camera \(camera), episode \(episode): expected its place in "
                + "meta/episodes, got null; name another camera"
        case .overlappingEpisodes(let dataset, let camera, let first, let second, let frames):
            return
                "episodes overlap in a video: dataset \(dataset), camera \(camera): expected frames of their own, got "
                + "\(frames) that episodes \(first) and \(second) both claim; from_timestamp or file_index in meta/episodes "
                + "is wrong: repair it, or name another camera"
        case .framesBeyondVideo(let dataset, let camera, let episode, let path, let claimed, let found):
            return
                "video too short: dataset \(dataset), camera \(camera), episode \(episode): expected \(claimed) frames in "
                + "\(path), got \(found); the video and the metadata do not belong together"
        case .strayTimes(let dataset, let camera, let episode, let seconds, let path, let rows, let frames):
            return "timestamp and frame_index contradict each other: dataset \(dataset), camera \(camera), episode "
                + "\(episode): expected times of frame_index / fps, got some \(seconds) s away, while \(path) has \(frames) "
                + "frames for \(rows) rows; write the column timestamp anew, or leave the episode out"
        case .unreadableVideo(let path, let reason):
            return "unreadable video: \(path): \(reason)"
        case .mixedPictures(let dataset, let camera, let path, let size, let otherPath, let otherSize):
            return
                "pictures of several sizes: dataset \(dataset), camera \(camera): expected \(otherSize) as in \(otherPath), "
                + "got \(size) in \(path); encode it again with its pictures upright, or leave its episodes out "
                + "(data.on_bad_sample: skip)"
        case .undecodableFrame(let path, let codec, let time, let reason):
            return "undecodable video frame: \(path): \(codec) at \(seconds(time)): \(reason); copy the file again, "
                + "or leave what is damaged out (data.on_bad_sample: skip)"
        case .videoChangesFormat(let path, let time, let from, let to):
            return
                "video changes its format: \(path): at \(seconds(time)): expected \(from), got \(to); encode it again"
        case .frameNotFound(
            let dataset, let episode, let frame, let camera, let path, let asked, let nearest, let count,
            let tolerance):
            return "no such frame: dataset \(dataset), episode \(episode), frame \(frame), camera \(camera): \(path) "
                + "(\(count) frames): expected a frame at \(seconds(asked)) ± \(tolerance) s, nearest is "
                + (nearest.map(seconds) ?? "none") + "; the video and the metadata do not belong together"
        case .unreadableImage(let path, let row, let column, let reason):
            return "unreadable image: \(path): column \(column), row \(row): \(reason); write it again, or leave "
                + "it out (data.on_bad_sample: skip)"
        case .unreadableHDF5(let path, let object, let reason):
            return "unreadable HDF5: \(path): \(object): \(reason); copy the file again"
        case .invalidHDF5(let path, let object, let expected, let got):
            return "unexpected HDF5 content: \(path): \(object): expected \(expected), got \(got)"
        case .refusedHDF5(let path, let object, let feature):
            return
                "refused HDF5 feature: \(path): \(object): expected data over time in the file itself, uncompressed or with "
                + "gzip, shuffle, szip or checksums, got \(feature); rewrite the file (h5repack)"
        case .told(let text):
            return text
        case .mixedHDF5(let dataset, let what, let first, let firstPath, let second, let secondPath):
            return "files do not belong together: dataset \(dataset): \(what): \(firstPath) has \(first), "
                + "\(secondPath) \(second); keep them in separate folders"
        case .unknownRate(let dataset, let path):
            return "unknown frame rate: dataset \(dataset): expected env_args.env_kwargs.control_freq in \(path), "
                + "got none; set data.fps: {\(dataset): RATE} (lam convert and lam inspect: --fps RATE)"
        case .unreadableClip(let path, let reason):
            return "unusable pictures: \(path): \(reason)"
        case .noClips(let dataset, let root):
            return
                "no videos: dataset \(dataset): expected mp4, mov, mkv, webm or avi files, or numbered pictures, below "
                + "\(root), got none"
        case .unknownClipRate(let dataset, let path):
            return "unknown frame rate: dataset \(dataset): expected one for \(path), got none; set data.fps: "
                + "{\(dataset): RATE} (lam convert and lam inspect: --fps RATE)"
        case .datasetAmongClips(let dataset, let found):
            return "another dataset among plain videos: dataset \(dataset): expected videos or pictures only, got "
                + "\(found) with meta or data of its own; name that folder itself"
        case .segments(let path, let line, let expected, let got):
            return "segments do not fit: \(path):\(line): expected \(expected), got \(got); correct that line"
        case .invalidHubName(let what, let got, let expected):
            return "not a \(what) of the hub: \(got.debugDescription): expected \(expected)"
        case .missingHubFile(let repository, let file, let lookedFor):
            return "not in the hub cache: \(file) of \(repository): expected \(lookedFor), got none; run "
                + "`\(repository.downloadCommand(file: file))` (HF_HUB_CACHE or HF_HOME name another cache), or give "
                + "the path of a copy"
        case .damagedHubCache(let path, let problem, let remedy):
            return "damaged hub cache: \(path): \(problem); \(remedy)"
        case .hub(let failure):
            return failure.description
        }
    }

    private static let correction = "correct it there, or download the file again"

    private func seconds(_ time: Double) -> String {
        // Microseconds are finer than any container's clock in use.
        guard time.isFinite, abs(time) < 1e12 else { return "\(time) s" }
        return "\((time * 1e6).rounded() / 1e6) s"
    }
}
