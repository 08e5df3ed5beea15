import DataCore
import Foundation

extension LeRobotDataset {
    /// Whether the files that are here are those of some whole episodes and no others, as LeRobot's `episodes=[…]` fetches
    /// them of a dataset of v3.0: then a video that is not here was left on the hub. Where another file has nothing but
    /// episodes that miss one, that one was lost.
    ///
    /// Before v3.0 an episode had files of its own, rows among them.
    var isPartialDownload: Bool {
        guard isLocal, info.codebaseVersion == .v30 else { return false }
        let cameras = videoCameras
        var isHere: [String: Bool] = [:]
        var isOfWholeEpisode: Set<String> = []
        for episode in episodes {
            var own: [String] = episode.rows.files.compactMap { try? dataFile($0) }
            for camera in cameras where video(of: episode, camera: camera) != nil {
                guard let path = try? videoFile(of: episode, camera: camera) else { return false }
                own.append(path)
            }
            for path in own where isHere[path] == nil { isHere[path] = FileManager.default.fileExists(atPath: path) }
            if own.allSatisfy({ isHere[$0] == true }) { isOfWholeEpisode.formUnion(own) }
        }
        return !isOfWholeEpisode.isEmpty && isHere.allSatisfy { !$0.value || isOfWholeEpisode.contains($0.key) }
    }
}
