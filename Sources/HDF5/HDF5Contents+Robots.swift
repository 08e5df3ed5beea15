import DataCore
import Foundation

/// Layouts with an episode in each file.
extension HDF5Contents {
    // MARK: ALOHA

    mutating func readAloha(_ opened: OpenHDF5, number: Int) throws {
        let file = opened.file
        usualRate = Rate(fps: 50, kind: "ALOHA's")
        encodedOrder = Order(
            order: .bgr, reason: "as ALOHA's recorders, which give RGB to an encoder that takes BGR, write it")
        let actions = try file.array("/action")
        try Self.requireNumbers(actions, file, axes: 2)
        guard actions.length > 0 else { throw file.invalid("/action", "at least 1 row", "0") }
        try addCameras(in: "/observations/images", "", opened, length: actions.length)
        let names = ["qpos": "state", "qvel": "velocity"]
        try addArrays(in: "/observations", file, length: actions.length) { "observation.\(names[$0] ?? $0)" }
        for name in try file.names(in: "/") where try file.kind("/\(name)") == .array && name != "compress_len" {
            guard let array = try member("/\(name)", of: file) else { continue }
            add(array, object: "/\(name)", feature: name, length: actions.length)
        }
        // A file is an episode; what is done in it is said by the folder.
        let folder = URL(fileURLWithPath: file.path).deletingLastPathComponent().standardizedFileURL.lastPathComponent
        episodes = [.init(file: number, group: "", length: actions.length, task: Self.words(folder))]
    }

    // MARK: RoboMIND

    /// `TASK/success_episodes/train/EPISODE/data/trajectory.hdf5`: pictures as lists of bytes, joints of the leading and
    /// the following arm.
    mutating func readRoboMIND(_ opened: OpenHDF5, number: Int) throws {
        let file = opened.file
        usualRate = Rate(fps: 30, kind: "RoboMIND's")
        let path = URL(fileURLWithPath: file.path).standardizedFileURL.pathComponents
        // Source: x-humanoid's FAQ; any4lerobot converts these robots' pictures and no others.
        let isRGB = path.contains { folder in folder.hasPrefix("h5_franka") || folder.hasPrefix("h5_ur") }
        encodedOrder =
            isRGB
            ? Order(order: .rgb, reason: "as JPEG has it; RoboMIND's Franka and UR files are such")
            : Order(order: .bgr, reason: "as RoboMIND's recorders write it, but for Franka and UR")
        let length = try firstLength(in: "/observations/rgb_images", "", opened)
        try addCameras(in: "/observations/rgb_images", "", opened, length: length)
        for name in try file.names(in: "/observations") where name != "rgb_images" {
            try leaveOutGroup("/observations/\(name)", file)
        }
        let names = ["master/joint_position": "action", "puppet/joint_position": "observation.state"]
        for name in try file.names(in: "/") where name != "observations" {
            switch try file.kind("/\(name)") {
            case .group:
                try addArrays(in: "/\(name)", file, length: length) { names["\(name)/\($0)"] ?? "\(name).\($0)" }
            case .array where name != "language_raw" && name != "language_distilbert":
                guard let array = try member("/\(name)", of: file) else { continue }
                add(array, object: "/\(name)", feature: name, length: length)
            default: break
            }
        }
        let text = try Self.firstText("/language_raw", opened)
        let folder = path.firstIndex { $0.hasSuffix("_episodes") }.map { path[$0 - 1] } ?? path.dropLast().last ?? ""
        episodes = [.init(file: number, group: "", length: length, task: text ?? Self.words(folder))]
    }

    // MARK: RoboTwin

    /// `TASK/CONFIG/data/episodeN.hdf5`: `observation/CAMERA/rgb` beside what else the camera tells.
    mutating func readRoboTwin(_ opened: OpenHDF5, number: Int) throws {
        let file = opened.file
        // Every 15th step of 1/250 s is kept.
        usualRate = Rate(fps: 250.0 / 15, kind: "RoboTwin's")
        // Source: RoboTwin's `envs/utils/pkl2hdf5.py` gives the simulator's RGB to `cv2.imencode`, and its readers take what
        // `cv2.imdecode` gives for RGB.
        encodedOrder = Order(
            order: .bgr,
            reason:
                "as RoboTwin's recorders, which give RGB to an encoder that takes BGR, write it unless they mark it RGB"
        )
        let length = try firstLength(in: "/observation", "/rgb", opened)
        try addCameras(in: "/observation", "/rgb", opened, length: length)
        let names = ["joint_action/vector": "action"]
        for name in try file.names(in: "/") where name != "observation" {
            switch try file.kind("/\(name)") {
            case .group:
                try addArrays(in: "/\(name)", file, length: length) { names["\(name)/\($0)"] ?? "\(name).\($0)" }
            case .array:
                guard let array = try member("/\(name)", of: file) else { continue }
                add(array, object: "/\(name)", feature: name, length: length)
            default: break
            }
        }
        episodes = [.init(file: number, group: "", length: length, task: Self.roboTwinTask(file.path))]
    }

    /// The first instruction that RoboTwin made for the episode, in `instructions/episodeN.json`; else the task's folder.
    private static func roboTwinTask(_ path: String) -> String {
        let url = URL(fileURLWithPath: path).standardizedFileURL
        let name = url.deletingPathExtension().lastPathComponent
        let folder = url.deletingLastPathComponent()
        let isData = folder.lastPathComponent == "data"
        let beside = folder.deletingLastPathComponent()
        let instructions = beside.appendingPathComponent("instructions/\(name).json")
        if isData, let data = try? Data(contentsOf: instructions),
            let json = try? JSON.parse(data, path: instructions.path)
        {
            for list in ["seen", "unseen"] { if let text = json[list]?.array?.first?.string { return text } }
        }
        return words(isData ? beside.deletingLastPathComponent().lastPathComponent : folder.lastPathComponent)
    }

    // MARK: Parts of them

    /// Rows of the first camera that has any.
    private func firstLength(in group: String, _ below: String, _ opened: OpenHDF5) throws -> Int {
        for name in try opened.file.names(in: group) {
            guard try opened.file.kind("\(group)/\(name)\(below)") == .array,
                let array = try? opened.file.array("\(group)/\(name)\(below)")
            else { continue }
            if array.length > 0, Self.isRaw(array) || Self.mayBeEncoded(array) { return array.length }
        }
        throw opened.file.invalid(group, "cameras with frames", "none")
    }

    /// Every array of a group, or of its members' `below`, that holds colour pictures becomes a camera.
    private mutating func addCameras(
        in group: String, _ below: String, _ opened: OpenHDF5, length: Int
    ) throws {
        let file = opened.file
        let names = try file.names(in: group)
        guard !names.isEmpty else { throw file.invalid(group, "cameras", "none") }
        var fault: DataError?
        for name in names {
            let object = "\(group)/\(name)\(below)"
            let kind = try file.kind(object)
            if !below.isEmpty, try file.kind("\(group)/\(name)") == .group {
                for other in try file.names(in: "\(group)/\(name)") where "/\(other)" != below {
                    try leaveOutGroup("\(group)/\(name)/\(other)", file)
                }
            }
            guard kind != .group, kind != .other, kind != nil else {
                if below.isEmpty { leaveOut(object, kind) }
                continue
            }
            guard let array = try member(object, of: file) else {
                fault = fault ?? refused.last?.fault.error
                continue
            }
            if try addCamera(name, array, object: object, in: opened, length: length, mayBeEncoded: true) {
                cameraNames.append(name)
            } else if fault == nil {
                // What it is was just listed.
                let what = leftOut.last.map { String($0.dropFirst(object.count + 2)) } ?? ""
                fault = file.invalid(object, Self.expectedPictures(mayBeEncoded: true), what)
            }
        }
        guard !cameraNames.isEmpty else { throw fault ?? file.invalid(group, "cameras", "none") }
    }

    private mutating func addArrays(
        in group: String, _ file: HDF5File, length: Int, feature: (String) -> String
    ) throws {
        for name in try file.names(in: group) where try file.kind("\(group)/\(name)") == .array {
            guard let array = try member("\(group)/\(name)", of: file) else { continue }
            add(array, object: "\(group)/\(name)", feature: feature(name), length: length)
        }
    }

    private mutating func leaveOutGroup(_ object: String, _ file: HDF5File) throws {
        let kind = try file.kind(object)
        guard kind == .array else { return leaveOut(object, kind) }
        guard let array = try member(object, of: file) else { return }
        leftOut.append("\(object): \(array.type) \(array.shape)")
    }

    /// The text in the first row of an array of strings; nil where there is none.
    private static func firstText(_ object: String, _ opened: OpenHDF5) throws -> String? {
        guard try opened.file.kind(object) == .array, let array = try? opened.file.array(object) else { return nil }
        switch array.type {
        case .bytes, .variableBytes: break
        default: return nil
        }
        guard array.length > 0, array.shape.count == 1 else { return nil }
        var rows = HDF5RowReader()
        let bytes = try rows.row(0, of: array, in: opened.descriptor).prefix { $0 != 0 }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw opened.file.invalid(object, "text in UTF-8", "other bytes")
        }
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return trimmed.isEmpty ? nil : trimmed
    }
}
