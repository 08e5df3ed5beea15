import DataCore
import Datasets

/// A camera of a dataset with what is done to its pictures, and what its user should know of them.
struct CameraView {
    let camera: Camera
    let look: CameraLook
    let notes: [LookNote]
}

extension RobotDataset {
    /// How pictures of a camera are seen under these options.
    ///
    /// - Parameter isForTraining: a depth camera has to have a range.
    /// - Throws: `DataError.depthNeedsRange`; what opening its first video throws.
    func view(of camera: Camera, _ options: StreamOptions, isForTraining: Bool = true) throws -> CameraView {
        let asked = options.look(of: camera, in: name)
        var look = look(of: camera, flip: asked.flip, order: asked.order)
        var notes = try notes(on: camera, flip: asked.flip, order: asked.order)
        if asked.flip != nil { notes.append(LookNote("pictures are \(look.flip.description), by data.flip")) }
        if let order = asked.order {
            notes.append(LookNote("pictures are taken as \(order.rawValue.uppercased()), by data.channel_order"))
        }
        if let scale = camera.content.depth {
            look.depthRange = asked.range
            if let range = asked.range {
                notes.append(
                    LookNote(
                        "\(scale.description): \(range.lowerBound) to \(range.upperBound) become 0 to 255, by data.depth"
                    ))
            } else if isForTraining {
                guard try !needsRange(camera) else {
                    throw DataError.depthNeedsRange(dataset: name, camera: camera.key, what: scale.description)
                }
                notes.append(LookNote("\(scale.description): pictures of 8 bits, taken as they are"))
            } else {
                notes.append(
                    LookNote("\(scale.description): no colours, and left out unless it is named with data.depth"))
            }
        }
        return CameraView(camera: camera, look: look, notes: notes)
    }

    /// Remarks on a dataset for its report.
    func remarks(on cameras: [Camera], _ options: StreamOptions) throws -> (notes: [String], warnings: [String]) {
        let remarks = try cameras.flatMap { camera in
            try view(of: camera, options, isForTraining: false).notes.map {
                LookNote("\(camera.key): \($0.text)", isWarning: $0.isWarning)
            }
        }
        return (remarks.filter { !$0.isWarning }.map(\.text), remarks.filter(\.isWarning).map(\.text))
    }

    /// Whether a depth camera's numbers do not fit into 8 bits, by the first picture; on a hub it is not looked at.
    private func needsRange(_ camera: Camera) throws -> Bool {
        guard isLocal else { return true }
        do {
            _ = try frames(of: camera, from: SharedReaders()).frames(episode: 0, frames: [0])
            return false
        } catch DataError.depthNeedsRange {
            return true
        }
    }
}
