import DataCore
import Datasets
import Foundation
import Video

/// An array of every episode that is no picture.
struct HDF5Column: Sendable, Equatable, Codable {
    /// As a LeRobot dataset names it.
    let feature: String
    /// Path below the episode's group, with a slash before it.
    let object: String
    let type: HDF5ElementType
    /// Of one frame's value; empty for a single number.
    let shape: [Int]
}

/// What one file of a dataset holds. SPEC_LEROBOT §6.
struct HDF5Contents: Codable, Sendable {
    struct Size: Codable, Sendable {
        var width: Int
        var height: Int
    }

    struct Order: Codable, Sendable {
        var order: ChannelOrder
        var reason: String
    }

    struct Rate: Codable, Sendable {
        var fps: Double
        var kind: String
    }

    /// A list of episodes that the file has for choosing some.
    struct Filter: Codable, Sendable {
        var name: String
        var episodes: [String]
    }

    struct Refusal: Codable, Sendable {
        var object: String
        var fault: HDF5Fault
    }

    let layout: HDF5Dataset.Layout
    var episodes: [HDF5Dataset.Episode] = []
    var cameraNames: [String] = []
    /// Paths of the cameras' pictures below an episode's group, by name.
    var cameraObjects: [String: String] = [:]
    var framesPerChunk: [String: Int] = [:]
    var sizes: [String: Size] = [:]
    var orientation = FrameOrientation.asStored
    /// Why pictures are turned.
    var orientationReason: String?
    /// What encoded pictures have first, and why.
    var encodedOrder = Order(order: .rgb, reason: "as JPEG has it")
    var fps: Double?
    /// The rate of recordings of this kind, which tell none.
    var usualRate: Rate?
    var columns: [HDF5Column] = []
    /// Arrays and groups that no dataset has a place for, with what they are.
    var leftOut: [String] = []
    /// Of those, why some are refused, by object.
    var refused: [Refusal] = []
    /// Groups of episodes without frames.
    var emptyEpisodes: [String] = []
    /// The lists of episodes that the file has for choosing some.
    var filters: [Filter] = []

    /// More numbers than that a frame are pictures of some kind, which no column should hold.
    private static let largestValue = 4096

    /// - Parameters:
    ///   - file: number of the file in the dataset.
    ///   - filter: takes the episodes of this list of the file only.
    /// - Throws: `DataError`.
    init(path: String, file: Int, filter: String? = nil) throws {
        let opened = try OpenHDF5(path: path)
        let contents = opened.file
        if try contents.kind("/observations/images") == .group {
            layout = .aloha
            try readAloha(opened, number: file)
        } else if try contents.kind("/observations/rgb_images") == .group {
            layout = .roboMIND
            try readRoboMIND(opened, number: file)
        } else if try contents.kind("/data") == .group {
            layout = .robomimic
            try readRobomimic(opened, number: file, filter: filter)
        } else if try contents.kind("/observation") == .group {
            layout = .roboTwin
            try readRoboTwin(opened, number: file)
        } else {
            throw contents.invalid(
                "/",
                "data/demo_* (LIBERO, robomimic, Isaac Lab), observations/images (ALOHA), observations/rgb_images (RoboMIND) "
                    + "or observation/CAMERA/rgb (RoboTwin)",
                try contents.names(in: "/").prefix(8).joined(separator: ", "))
        }
        if filter != nil, layout != .robomimic {
            throw contents.invalid("/mask", "lists of episodes, as robomimic has them", "a file of another layout")
        }
        for (group, count) in contents.unnamed.sorted(by: { $0.key < $1.key }) {
            leftOut.append("\(group): \(count) members whose names are not in UTF-8")
        }
        let leading = ["action", "observation.state"]
        columns =
            leading.flatMap { name in columns.filter { $0.feature == name } }
            + columns.filter { !leading.contains($0.feature) }
    }

    /// `pick_up_the_cup_demo` as an instruction.
    static func words(_ name: String) -> String {
        let name = name.hasSuffix("_demo") ? String(name.dropLast(5)) : name
        return name.replacingOccurrences(of: "_", with: " ")
    }

    // MARK: Cameras

    /// Whether an array is uint8 [T, H, W, 3].
    static func isRaw(_ array: HDF5Array) -> Bool {
        array.type == .integer(bits: 8, isSigned: false) && array.shape.count == 4 && array.shape[3] == 3
            && !array.shape.contains(0)
    }

    /// Whether rows may be files; only their bytes tell.
    static func mayBeEncoded(_ array: HDF5Array) -> Bool {
        switch array.type {
        case .integer(8, false): array.shape.count == 2 && !array.shape.contains(0)
        case .variableBytes, .bytes: array.shape.count == 1 && array.length > 0
        default: false
        }
    }

    private static let examinedRows = 4

    /// What the first rows of an array are: a frame or two may be damaged, or raw among files.
    ///
    /// - Returns: nil for no pictures, false for measurements such as depth.
    private static func rowsAreColor(_ array: HDF5Array, in file: OpenHDF5) -> Bool? {
        var rows = HDF5RowReader()
        for row in 0..<min(examinedRows, array.length) {
            guard let bytes = try? rows.row(row, of: array, in: file.descriptor), let header = PictureHeader(bytes)
            else {
                continue
            }
            return !header.isMeasurement
        }
        return nil
    }

    /// Adds a camera if the array holds colour pictures; else lists the array as left out.
    ///
    /// - Parameter object: path below the episode's group.
    /// - Returns: whether it is one.
    /// - Throws: `DataError.invalidHDF5` for one that has not as many frames as there are actions.
    mutating func addCamera(
        _ name: String, _ array: HDF5Array, object: String, in file: OpenHDF5, length: Int, mayBeEncoded: Bool
    ) throws -> Bool {
        var what = "\(array.type) \(array.shape)"
        let isRaw = Self.isRaw(array)
        var isCamera = isRaw
        if !isRaw, mayBeEncoded, Self.mayBeEncoded(array), array.length == length {
            switch Self.rowsAreColor(array, in: file) {
            case true: isCamera = true
            case false: what += ", pictures of one channel such as depth"
            case nil: what += ", no PNG or JPEG"
            }
        }
        guard isCamera else {
            leftOut.append("\(array.object): \(what)")
            return false
        }
        try Self.requireLength(array, length, file.file)
        let key = Camera.prefix + name
        cameraObjects[key] = object
        if case .chunked(let chunk, _) = array.layout { framesPerChunk[key] = chunk[0] }
        if isRaw { sizes[key] = Size(width: array.shape[2], height: array.shape[1]) }
        return true
    }

    static func requireLength(_ array: HDF5Array, _ length: Int, _ file: HDF5File) throws {
        guard array.length == length else {
            throw file.invalid(array.object, "\(length) frames, as there are actions", "\(array.length)")
        }
    }

    /// What is expected of a camera, for messages.
    static func expectedPictures(mayBeEncoded: Bool) -> String {
        "uint8 [T, H, W, 3]" + (mayBeEncoded ? ", or JPEG as uint8 [T, N], strings or lists [T]" : "")
    }

    // MARK: Members

    /// The array at `object`; nil, and listed as left out, for what cannot be read as one over time.
    ///
    /// - Throws: `DataError` for what is damaged.
    mutating func member(_ object: String, of file: HDF5File) throws -> HDF5Array? {
        do {
            return try file.array(object)
        } catch let error as DataError {
            guard case .refusedHDF5(_, let object, let feature) = error else { throw error }
            leftOut.append("\(object): \(feature)")
            refused.append(Refusal(object: object, fault: HDF5Fault(error)))
            return nil
        }
    }

    /// Takes a camera out that not every episode has.
    mutating func removeCamera(_ name: String, because reason: String) {
        cameraNames.removeAll { $0 == name }
        let key = Camera.prefix + name
        leftOut.append("\(cameraObjects.removeValue(forKey: key) ?? name): \(reason)")
        sizes[key] = nil
    }

    /// Takes columns out that not every episode has.
    mutating func removeColumns(_ reason: (HDF5Column) -> String?) {
        columns.removeAll { column in
            guard let reason = reason(column) else { return false }
            leftOut.append("\(column.object): \(reason)")
            return true
        }
    }

    /// Leaves out what another file of the dataset has not.
    ///
    /// - Precondition: both have a camera in common, or neither has one.
    mutating func keepWhatIsIn(_ other: HDF5Contents, of path: String) {
        let reason = "not in every file, for example not in \(path)"
        for name in cameraNames where !other.cameraNames.contains(name) { removeCamera(name, because: reason) }
        let features = Set(other.columns.map(\.feature))
        removeColumns { features.contains($0.feature) ? nil : reason }
    }

    // MARK: Columns

    static func requireNumbers(_ array: HDF5Array, _ file: HDF5File, axes: Int) throws {
        guard array.shape.count == axes, array.type.dtype != nil, !array.rowShape.contains(0) else {
            throw file.invalid(array.object, "numbers [T, N]", "\(array.type) \(array.shape)")
        }
    }

    /// Adds an array as a column, or lists it as left out.
    mutating func add(_ array: HDF5Array, object: String, feature: String, length: Int) {
        let fits =
            array.type.dtype != nil && array.length == length && array.rowShape.count <= 2
            && (1...Self.largestValue).contains(array.rowShape.reduce(1, *)) && !feature.contains("/")
            && !columns.contains { $0.feature == feature }
        guard fits else {
            leftOut.append("\(array.object): \(array.type) \(array.shape)")
            return
        }
        columns.append(HDF5Column(feature: feature, object: object, type: array.type, shape: array.rowShape))
    }

    /// Lists what is no array, with what it is.
    mutating func leaveOut(_ object: String, _ kind: HDF5File.Kind?) {
        leftOut.append("\(object): \(kind == .group ? "a group" : kind?.rawValue ?? "nothing")")
    }
}
