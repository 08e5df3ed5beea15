import DataCore
import Datasets
import Foundation

/// LIBERO, robomimic and what has their layout, Isaac Lab's files for example: episodes are groups of `/data`.
extension HDF5Contents {
    mutating func readRobomimic(_ opened: OpenHDF5, number: Int, filter: String?) throws {
        let file = opened.file
        let task = try Self.task(of: file)
        fps = try Self.json("env_args", file)?["env_kwargs"]?["control_freq"]?.double
        if let fps, !(fps.isFinite && fps > 0) {
            throw file.invalid("/data@env_args", "a control_freq above 0", "\(fps)")
        }
        filters = try Self.filters(opened)
        let chosen = try filter.map { try Self.episodes(of: $0, among: filters, file) }
        var firstFault: DataError?
        for name in try file.names(in: "/data") {
            let group = "/data/\(name)"
            guard chosen?.contains(name) ?? true else { continue }
            let kind = try file.kind(group)
            guard kind == .group else {
                if kind != .array { leaveOut(group, kind) }
                continue
            }
            // A demonstration that was begun and never recorded.
            let samples = try file.integer("num_samples", of: group)
            let hasPictures = try file.kind("\(group)/obs") == .group
            let isEmpty = try samples == 0 || hasPictures && Self.isEmpty("\(group)/actions", file)
            guard hasPictures, !isEmpty else {
                if !hasPictures, firstFault == nil {
                    let kind = try file.kind("\(group)/obs")
                    firstFault = file.invalid("\(group)/obs", "a group", kind?.rawValue ?? "nothing")
                }
                emptyEpisodes.append(group)
                continue
            }
            try readDemonstration(opened, group: group, number: number, samples: samples, task: task)
        }
        guard !episodes.isEmpty else {
            throw firstFault ?? file.invalid("/data", "groups demo_* with frames", emptyEpisodes.first ?? "none")
        }
        try settleOrientation(file)
    }

    private static func isEmpty(_ actions: String, _ file: HDF5File) throws -> Bool {
        guard try file.kind(actions) == .array else { return false }
        do {
            return try file.array(actions).length == 0
        } catch DataError.refusedHDF5(_, _, HDF5Array.withoutValues) {
            return true
        }
    }

    private mutating func readDemonstration(
        _ opened: OpenHDF5, group: String, number: Int, samples: Int?, task: String
    ) throws {
        let file = opened.file
        let actions = try file.array("\(group)/actions")
        try Self.requireNumbers(actions, file, axes: 2)
        if let samples, samples != actions.length {
            throw file.invalid("\(group)/actions", "\(samples) rows by num_samples", "\(actions.length)")
        }
        if episodes.isEmpty {
            try readFirst(opened, group: group, length: actions.length)
        } else {
            try compare(file, group: group, length: actions.length)
        }
        episodes.append(.init(file: number, group: group, length: actions.length, task: task))
    }

    /// Every array of the first episode was looked at; of a later one its cameras are, and what it lacks is left out of all.
    private mutating func compare(_ file: HDF5File, group: String, length: Int) throws {
        let arrays = try Self.arrays(in: "\(group)/obs", file)
        let objects = Set(arrays.map(\.object)).union(try file.names(in: group).map { "\(group)/\($0)" })
        let hadCameras = cameraNames
        for name in cameraNames {
            let object = "\(group)\(cameraObjects[Camera.prefix + name] ?? "")"
            guard objects.contains(object) else {
                removeCamera(name, because: "not in every episode, for example not in \(group)")
                continue
            }
            let array = try file.array(object)
            guard Self.isRaw(array) else {
                throw file.invalid(object, Self.expectedPictures(mayBeEncoded: false), "\(array.type) \(array.shape)")
            }
            try Self.requireLength(array, length, file)
        }
        guard !cameraNames.isEmpty || hadCameras.isEmpty else {
            throw file.invalid(
                "\(group)/obs", "one of the cameras \(hadCameras.joined(separator: ", "))",
                arrays.map(\.name).joined(separator: ", "))
        }
        removeColumns { column in
            objects.contains(group + column.object) ? nil : "not in every episode, for example not in \(group)"
        }
    }

    private static func isNamedCamera(_ name: String) -> Bool { name.hasSuffix("_rgb") || name.hasSuffix("_image") }

    /// The arrays of `obs`, those of its groups by the name `GROUP.ARRAY`.
    private static func arrays(in group: String, _ file: HDF5File) throws -> [(name: String, object: String)] {
        try file.names(in: group).flatMap { name -> [(name: String, object: String)] in
            let object = "\(group)/\(name)"
            switch try file.kind(object) {
            case .array: return [(name, object)]
            case .group:
                return try file.names(in: object).filter { try file.kind("\(object)/\($0)") == .array }
                    .map { ("\(name).\($0)", "\(object)/\($0)") }
            default: return []
            }
        }
    }

    private mutating func readFirst(_ opened: OpenHDF5, group: String, length: Int) throws {
        let file = opened.file
        var fault: DataError?
        for name in try file.names(in: "\(group)/obs") {
            let object = "\(group)/obs/\(name)"
            let kind = try file.kind(object)
            guard kind != .group else {
                if try !addCameras(ofGroup: name, opened, group: group, length: length) { leaveOut(object, kind) }
                continue
            }
            guard kind != .other else {
                leaveOut(object, kind)
                continue
            }
            let isNamed = Self.isNamedCamera(name)
            guard let array = try member(object, of: file) else {
                if isNamed { fault = fault ?? refused.last?.fault.error }
                continue
            }
            guard isNamed || Self.isRaw(array) else {
                add(array, object: "/obs/\(name)", feature: "observation.\(name)", length: length)
                continue
            }
            if try addCamera(name, array, object: "/obs/\(name)", in: opened, length: length, mayBeEncoded: false) {
                cameraNames.append(name)
            } else if fault == nil {
                fault = file.invalid(object, Self.expectedPictures(mayBeEncoded: false), "\(array.type) \(array.shape)")
            }
        }
        // Something that is called a camera and is none matters only where there is no other.
        if let fault, cameraNames.isEmpty { throw fault }
        let names = [
            "actions": "action", "rewards": "next.reward", "dones": "next.done", "robot_states": "observation.state",
            "states": "observation.environment_state",
        ]
        for name in try file.names(in: group) where try ![.group, .other].contains(file.kind("\(group)/\(name)")) {
            guard let array = try member("\(group)/\(name)", of: file) else { continue }
            add(array, object: "/\(name)", feature: names[name] ?? name, length: length)
        }
    }

    /// Pictures in a group of `obs`, as Isaac Lab has for groups of observations.
    private mutating func addCameras(
        ofGroup name: String, _ opened: OpenHDF5, group: String, length: Int
    ) throws -> Bool {
        var found = false
        for member in try opened.file.names(in: "\(group)/obs/\(name)") {
            let object = "\(group)/obs/\(name)/\(member)"
            guard try opened.file.kind(object) == .array, let array = try self.member(object, of: opened.file),
                Self.isRaw(array), array.length == length
            else { continue }
            let camera = "\(name).\(member)"
            if try addCamera(
                camera, array, object: "/obs/\(name)/\(member)", in: opened, length: length, mayBeEncoded: false)
            {
                cameraNames.append(camera)
                found = true
            }
        }
        return found
    }

    // MARK: Filters

    /// `/mask/NAME`: names of episodes.
    private static func filters(_ opened: OpenHDF5) throws -> [Filter] {
        guard try opened.file.kind("/mask") == .group else { return [] }
        return try opened.file.names(in: "/mask").compactMap { name in
            guard try opened.file.kind("/mask/\(name)") == .array else { return nil }
            // A list of another form is none to choose episodes by.
            guard let array = try? opened.file.array("/mask/\(name)"), array.shape.count == 1 else { return nil }
            switch array.type {
            case .bytes, .variableBytes: break
            default: return nil
            }
            var rows = HDF5RowReader()
            return Filter(
                name: name,
                episodes: try (0..<array.length).map { row in
                    let bytes = try rows.row(row, of: array, in: opened.descriptor).prefix { $0 != 0 }
                    return String(decoding: bytes, as: UTF8.self)
                }
            )
        }
    }

    private static func episodes(
        of filter: String, among filters: [Filter], _ file: HDF5File
    ) throws -> Set<String> {
        guard let list = filters.first(where: { $0.name == filter }) else {
            let known = filters.map(\.name).joined(separator: ", ")
            throw file.invalid("/mask/\(filter)", "one of its lists of episodes", known.isEmpty ? "none" : known)
        }
        let groups = Set(try file.names(in: "/data"))
        if let missing = list.episodes.first(where: { !groups.contains($0) }) {
            throw file.invalid("/mask/\(filter)", "names of groups of /data", missing)
        }
        return Set(list.episodes)
    }

    // MARK: What the file tells of itself

    private mutating func settleOrientation(_ file: HDF5File) throws {
        let convention = try file.text("macros_image_convention", of: "/data")
        if convention == "opengl" {
            orientation = .vertical
            orientationReason = "macros_image_convention of the files is opengl"
        }
        guard isRegeneratedLIBERO(file) else { return }
        usualRate = Rate(fps: 20, kind: "LIBERO's")
        guard convention == nil else { return }
        orientation = .vertical
        orientationReason =
            "the files do not tell; their cameras are LIBERO's, whose simulator has the bottom row first"
    }

    /// Files that OpenVLA's script makes of LIBERO's (`libero_*_no_noops`) have its arrays and none of its attributes, and
    /// the simulator's pictures as they come.
    private func isRegeneratedLIBERO(_ file: HDF5File) -> Bool {
        guard cameraNames.contains("agentview_rgb") else { return false }
        return file.path.lowercased().contains("no_noops")
            || cameraNames.contains("eye_in_hand_rgb") && columns.contains { $0.object == "/robot_states" }
    }

    /// The instruction of a LIBERO file; of others the file's name.
    private static func task(of file: HDF5File) throws -> String {
        let text: String
        switch try json("problem_info", file)?["language_instruction"] {
        case .string(let instruction): text = instruction
        // LIBERO's own reader joins a list without spaces.
        case .array(let parts): text = parts.compactMap(\.string).joined()
        default: text = words(URL(fileURLWithPath: file.path).deletingPathExtension().lastPathComponent)
        }
        return text.trimmingCharacters(in: CharacterSet(charactersIn: "\" \n"))
    }

    private static func json(_ attribute: String, _ file: HDF5File) throws -> JSON? {
        try file.text(attribute, of: "/data").map {
            try JSON.parse($0.utf8, path: "\(file.path): /data@\(attribute)")
        }
    }
}
