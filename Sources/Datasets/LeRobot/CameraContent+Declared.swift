import DataCore
import Video

/// What `info.json` says of a camera. Writers of LeRobot datasets have spelt it in four ways.
extension CameraContent {
    /// - Parameter feature: an entry of `features`.
    init(declaredBy feature: JSON, shape: [Int], names: [String]) {
        let places = [feature["info"], feature["video_info"], feature].compactMap { $0 }
        func fact(_ names: String...) -> JSON? {
            for place in places { for name in names { if let value = place[name] { return value } } }
            return nil
        }
        // Tools that write `info` anew put a `false` beside the `true` of others.
        let isDepthMap = places.contains { place in
            ["is_depth_map", "video.is_depth_map"].contains { Self.isTrue(place[$0]) }
        }
        let channels = fact("video.channels", "channels")?.int ?? Self.channels(shape: shape, names: names)
        let hasOneChannel = channels == 1 || fact("video.pix_fmt", "pix_fmt")?.string?.hasPrefix("gray") == true
        guard isDepthMap || hasOneChannel else {
            self = .color
            return
        }
        self = .depth(
            DepthScale(
                unit: Self.unit(
                    fact("depth_unit", "video.depth_unit")?.string, hasCodes: fact("video.depth_min") != nil),
                codes: Self.codes(
                    minimum: fact("video.depth_min", "depth_min"), maximum: fact("video.depth_max", "depth_max"),
                    shift: fact("video.shift", "video.depth_shift", "depth_shift"),
                    isLogarithmic: fact("video.use_log", "use_log")),
                isDeclared: isDepthMap))
    }

    /// `true`, and what careless writers make of it.
    private static func isTrue(_ json: JSON?) -> Bool {
        switch json {
        case .bool(let value): value
        case .int(let value): value == 1
        case .string(let text): ["true", "1", "yes"].contains(text.lowercased())
        default: false
        }
    }

    /// Codes without a unit are read in millimetres, as LeRobot does.
    private static func unit(_ text: String?, hasCodes: Bool) -> DepthScale.Unit? {
        switch text?.lowercased() {
        case "m", "meter", "meters", "metre", "metres": .meters
        case "mm", "millimeter", "millimeters", "millimetre", "millimetres": .millimeters
        default: hasCodes ? .millimeters : nil
        }
    }

    private static func codes(minimum: JSON?, maximum: JSON?, shift: JSON?, isLogarithmic: JSON?) -> DepthScale.Codes? {
        guard let minimum = minimum?.double, let maximum = maximum?.double, minimum.isFinite, maximum.isFinite,
            maximum > minimum
        else { return nil }
        let shift = shift?.double ?? 0
        // Without a logarithm there is no code; then the numbers are taken as they are stored.
        let isLogarithmic = isTrue(isLogarithmic)
        guard shift.isFinite, !isLogarithmic || minimum + shift > 0 else { return nil }
        return DepthScale.Codes(minimum: minimum, maximum: maximum, shift: shift, isLogarithmic: isLogarithmic)
    }

    /// Channels by the name of their axis, else by where a small number stands; nil where the shape is no picture's.
    private static func channels(shape: [Int], names: [String]) -> Int? {
        if shape.count == 2 { return 1 }
        guard shape.count == 3 else { return nil }
        let axis = names.count == 3 ? names.firstIndex { ["channels", "channel", "c"].contains($0.lowercased()) } : nil
        if let axis { return shape[axis] }
        if [3, 4].contains(shape[2]) || [3, 4].contains(shape[0]) { return 3 }
        return shape[2] == 1 || shape[0] == 1 ? 1 : nil
    }
}

extension DatasetInfo {
    /// Height and width of a camera's pictures by `features`, whichever axis stands first; nil where it is unclear.
    func declaredSize(of camera: Camera) -> (width: Int, height: Int)? {
        guard let feature = feature(camera.key), (2...3).contains(feature.shape.count) else { return nil }
        let names = feature.names.map { $0.lowercased() }
        let shape = feature.shape
        if names.count == shape.count, let height = names.firstIndex(of: "height"),
            let width = names.firstIndex(of: "width")
        {
            return (shape[width], shape[height])
        }
        if shape.count == 2 { return (shape[1], shape[0]) }
        if [1, 3, 4].contains(shape[2]) { return (shape[1], shape[0]) }
        return [1, 3, 4].contains(shape[0]) ? (shape[2], shape[1]) : nil
    }
}
