import Datasets
import Foundation
import LAMData
import LAMTrain

/// What a first configuration has to know of a dataset.
public struct DatasetSurvey: Sendable {
    /// As `data.dataset_mix` names it.
    let entry: String
    let report: DatasetReport
    /// The camera to learn from, and the others that see colours.
    let camera: String
    let otherCameras: [String]
    /// Whether a training has to leave out episodes whose video is missing.
    let skipsBadSamples: Bool
    /// Width and height of the camera's pictures, in pixels.
    let pictureSize: (width: Int, height: Int)

    /// Names of cameras that look at a hand or from one: what moves in their pictures is the camera.
    private static let movingCameras = ["wrist", "gripper", "hand", "ego"]

    /// Opens a dataset as a training does, and checks what `lam inspect` checks.
    ///
    /// - Parameters:
    ///   - entry: a path below `options.root`, an absolute one, or `org/name` on the hub.
    ///   - camera: by name; nil takes the only one, else the first that does not move with the robot's hand.
    /// - Throws: `StreamError`, and what opening the dataset throws.
    public init(_ entry: String, _ options: StreamOptions, hub: HubAccess, camera: String?) throws {
        let dataset = try DatasetCatalog(options, hub: hub).dataset(entry)
        let colored = dataset.cameras.filter(\.content.isColor)
        let chosen: Camera
        if camera == nil, colored.count > 1 {
            let fixed = colored.first { camera in
                !Self.movingCameras.contains { camera.key.lowercased().contains($0) }
            }
            chosen = fixed ?? colored[0]
        } else {
            chosen = try dataset.camera(preferred: camera)
        }
        self.entry = entry
        self.camera = chosen.key
        otherCameras = colored.filter { $0 != chosen }.map(\.key)
        do {
            report = try DatasetReport(dataset: dataset, cameras: [chosen], options: options)
            skipsBadSamples = options.onBadSample == .skip
        } catch let error as DataError where error.isAboutVideoFile {
            var options = options
            options.onBadSample = .skip
            report = try DatasetReport(dataset: dataset, cameras: [chosen], options: options)
            skipsBadSamples = true
        }
        pictureSize = (report.cameras[0].width, report.cameras[0].height)
    }

    /// Whether `data.window: auto` gives at least half of the episodes pairs.
    var fitsWindow: Bool { Double(report.window.minimum) <= report.lengths.median }

    /// Facts for people, each a line.
    var facts: [String] {
        let window =
            report.window.minimum == report.window.maximum
            ? "\(report.window.minimum)" : "\(report.window.minimum) to \(report.window.maximum)"
        let seconds = [report.window.minimum, report.window.maximum].map {
            String(format: "%.2g", Double($0 - 1) / report.fps)
        }
        let span = seconds[0] == seconds[1] ? seconds[0] : "\(seconds[0]) to \(seconds[1])"
        return [
            "\(report.name): \(report.format), \(report.totalEpisodes) episodes, \(report.totalFrames) frames at "
                + String(format: "%.4g", report.fps) + " fps",
            "  camera \(camera), \(pictureSize.width) x \(pictureSize.height)"
                + (otherCameras.isEmpty ? "" : "; others: \(otherCameras.joined(separator: ", "))"),
            "  a pair spans \(window) frames, \(span) s",
        ] + (report.notes + report.cuts).map { "  note: \($0)" } + report.warnings.map { "  warning: \($0)" }
    }
}
