import Formats
import Parquet
import Video

/// Recorded episodes of a robot with pictures of them, whatever files they are in.
///
/// This is all that training, evaluation, reports and conversion know of a dataset. A format is a type that conforms,
/// which takes the requirements without a default, and an entry in `DatasetFormat.all`, by which it is recognised.
///
///     let dataset = try DatasetCatalog(options, hub: nil).dataset("libero_goal")
///     let reader = try dataset.frames(of: dataset.camera(), from: SharedReaders())
///     let images = try reader.frames(episode: 0, frames: [12, 21])
public protocol RobotDataset: Sendable {
    // MARK: What it is

    /// By which rules and messages know it; repository id, as in the dataset mix of a configuration.
    var name: String { get }
    /// Its folder or file, without a slash at the end.
    var root: String { get }
    /// Whether all of its files lie on this disk. Default: true.
    var isLocal: Bool { get }
    /// Frames per second of all cameras.
    var fps: Double { get }
    /// What a report says of it.
    var facts: DatasetFacts { get }
    /// What was assumed of the dataset as a whole, in whole sentences. Default: nothing.
    var notes: [String] { get }
    /// Which of the files' episodes these are, where they are not all. Default: empty.
    var selection: String { get }
    /// The files that all this comes from; their sizes and times tell one dataset from another.
    var sourceFiles: [String] { get throws }

    // MARK: Episodes

    /// At least 1.
    var episodeCount: Int { get }
    /// Frames of all episodes. Default: counted.
    var totalFrames: Int { get }
    /// An episode, by its position in `0 ..< episodeCount`; its `file` is for sources of samples to set.
    func episode(_ position: Int) -> RobotEpisode
    /// Checks that the instructions of all frames are known, as far as the dataset has any. Default: they are.
    func requireTasks() throws

    /// What the dataset's table says of its episodes in a field, as texts: by position, none or several each. Default: nil,
    /// there is no such field.
    func episodeFacts(_ field: String) throws -> [[String]]?
    /// The dataset without its other episodes, so that nobody looks for their files. Default: nil, they are only passed over.
    ///
    /// - Parameter positions: ascending.
    func keeping(_ positions: [Int]) -> (any RobotDataset)?

    // MARK: Cameras

    var cameras: [Camera] { get }
    /// The camera to learn from: `preferred`, else the only one that sees colours. By default a preferred name may lack
    /// `observation.images.`.
    ///
    /// - Throws: `DataError.unknownCamera`, `.ambiguousCamera`, `.noCameras`, `.noColorCamera`; each lists the cameras.
    func camera(preferred: String?) throws -> Camera
    /// Positions of the episodes that have pictures of a camera. Default: all.
    func positions(with camera: Camera) -> [Int]
    /// Which files hold a camera's pictures. Default: one for all.
    func pictureFiles(of camera: Camera, _ readers: SharedReaders) -> PictureFiles
    /// Files that hold pictures, as far as it is worth counting, and pixels of a picture, at least what reading one
    /// takes; by hints. Default: a file for each episode, and 640 × 480.
    func readingCost(of camera: Camera) -> (files: Int, pixels: Int)
    /// The files that a camera's pictures depend on, by names that stay when the dataset is moved. Default: all.
    func contentFiles(camera: Camera) throws -> [(name: String, path: String)]
    /// Gives pictures of a camera; called once by every thread that reads.
    ///
    /// - Parameter look: what is done to them besides what their files ask for.
    func frames(of camera: Camera, look: CameraLook, from readers: SharedReaders) throws -> any FrameProvider

    /// What is done to a camera's pictures. Default: what is asked for.
    ///
    /// - Parameters:
    ///   - flip, order: override what the files tell or their kind makes likely.
    func look(of camera: Camera, flip: FrameOrientation?, order: ChannelOrder?) -> CameraLook
    /// What was assumed of a camera's pictures, as far as nothing overrides it. Default: nothing.
    func notes(on camera: Camera, flip: FrameOrientation?, order: ChannelOrder?) throws -> [LookNote]

    // MARK: Checks

    /// Checks what can be checked of cameras before a run. Default: nothing.
    ///
    /// - Parameter onBadSample: with `skip`, episodes without pictures are left out of the dataset that is returned: a
    ///   run must not meet them one by one until it has skipped too many.
    /// - Returns: the dataset as a run takes it, and what a user should know of each of the cameras.
    func prepared(
        for cameras: [Camera], onBadSample: BadSampleOption
    ) throws -> (dataset: any RobotDataset, notes: [[String]])
    /// How a camera's pictures are stored, for reports. Default: by the first picture.
    func report(on camera: Camera, onBadSample: BadSampleOption) throws -> CameraReport
    /// Reads all that is no picture in part `part` of `parts` runs of episodes. Default: nothing.
    ///
    /// - Returns: what is odd and plays no part in reading.
    func verifyRows(part: Int, of parts: Int) throws -> [String]

    // MARK: Rows

    /// Columns of numbers and texts. Default: none.
    var columns: [DatasetColumn] { get }
    /// A column as a LeRobot dataset can store it, or why it cannot. Default: by dtype and shape.
    func stored(_ column: DatasetColumn, in version: DatasetInfo.Version) throws -> Result<StoredColumn, Unstorable>
    /// Values in all frames of an episode, by column and frame. Needed where there are columns.
    ///
    /// - Parameter columns: as `stored` gave them.
    func values(of columns: [StoredColumn], episode: Int, from readers: SharedReaders) throws -> [[ParquetValue]]
    /// The recorded actions of an episode: a row per frame, lists flattened. Default: nil, there are none.
    func actions(episode: Int, from readers: SharedReaders) throws -> [[Double]]?

    // MARK: Taking over as it is

    /// Checks before anything is written that every frame has a picture, as far as that is cheap. Default: nothing.
    func requirePictures(of camera: Camera) throws
    /// Writes the video of one episode without encoding its pictures, where a LeRobot dataset can have it so.
    ///
    /// - Returns: nil where it is written, else why its pictures have to be encoded. Default: they are in no such video.
    func takeVideo(episode: Int, camera: Camera, to path: String, from readers: SharedReaders) throws -> String?
    /// Pictures that another encoding would ruin. Default: nil, they may be encoded.
    func keptPictures(of camera: Camera, from readers: SharedReaders) -> KeptPictures?
    /// What else belongs to the dataset. Default: nothing.
    func extras(in version: DatasetInfo.Version) throws -> ConversionExtras
}
