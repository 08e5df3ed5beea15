import Foundation
import LAMData
import TestSupport
import Testing

@Suite("Frames by number, and by a time's tolerance")
struct FrameNumberTests {
    /// A dataset of v2.1 with one film, whose rate in `info.json` is another than the film's.
    private func dataset(_ folder: TemporaryFolder, milliseconds: [Int64]?, frames: Int) throws -> LeRobotDataset {
        let copy = try DatasetCopy(of: "toto_push_lf_v21")
        try FileManager.default.copyItem(atPath: copy.root, toPath: folder.path("set"))
        let dataset = try LeRobotDataset(root: folder.path("set"), name: "toto")
        let path = try dataset.videoFile(of: dataset.episodes[0], camera: dataset.cameras[0])
        try FileManager.default.removeItem(atPath: path)
        var film = Film()
        film.milliseconds = milliseconds
        try film.write(path, frames: frames)
        return dataset
    }

    @Test("are the rows' where the file has one for each, whatever its clock says")
    func byNumber() throws {
        let length = try LeRobotDataset(root: SampleDatasets.root("toto_push_lf_v21"), name: "toto").episodes[0].length
        let irregular: [Int64] = (0..<length).map { frame in Int64(frame * 71 + frame % 3 * 9) }
        // Thirty frames a second, or however they came, in a dataset of another rate.
        for milliseconds in [nil, irregular] as [[Int64]?] {
            let folder = try TemporaryFolder()
            let dataset = try dataset(folder, milliseconds: milliseconds, frames: length)
            let reader = try FrameReader(dataset: dataset, camera: dataset.cameras[0])
            let images = try reader.frames(episode: 0, frames: Array(0..<length))
            #expect(images.map { Film.number(on: $0) } == Array(0..<length).map { $0 & 255 })
        }
    }

    @Test("are searched by time where counts differ, as near as data.tolerance_s says")
    func byTime() throws {
        let folder = try TemporaryFolder()
        var dataset = try dataset(folder, milliseconds: nil, frames: 1)
        let (fps, length) = (dataset.fps, dataset.episodes[0].length)
        // 2 ms late, and a frame more than there are rows.
        let times = (0...length).map { frame -> Int64 in
            let exact = (Double(frame) / fps * 1000).rounded()
            return Int64(exact) + (frame == 0 ? 0 : 2)
        }
        let path = try dataset.videoFile(of: dataset.episodes[0], camera: dataset.cameras[0])
        try FileManager.default.removeItem(atPath: path)
        try Film(milliseconds: times).write(path, frames: length + 1)
        #expect(throws: DataError.self) {
            _ = try FrameReader(dataset: dataset, camera: dataset.cameras[0]).frames(episode: 0, frames: [length - 1])
        }
        dataset.tolerance = 0.004
        let images = try FrameReader(dataset: dataset, camera: dataset.cameras[0])
            .frames(episode: 0, frames: Array(0..<length))
        #expect(images.map { Film.number(on: $0) } == Array(0..<length).map { $0 & 255 })
    }
}
