import Foundation
import LAMData
import TestSupport
import Testing

/// Datasets of v3.0 of which LeRobot has fetched some episodes (`episodes=[…]`): the files that these lie in, and others'
/// episodes with them.
@Suite("Partial downloads")
struct PartialDownloadTests {
    private static let name = "datasets/push_default_v30"

    /// A copy with the files of some episodes only.
    private func download(_ episodes: [Int]) throws -> (copy: CaseCopy, whole: Set<Int>) {
        let copy = try CaseCopy(Self.name)
        let dataset = try copy.open()
        func files(_ episode: Episode) throws -> Set<String> {
            try Set(
                [dataset.dataFile(of: episode)] + dataset.cameras.map { try dataset.videoFile(of: episode, camera: $0) }
            )
        }
        let all = try dataset.episodes.map(files)
        let wanted = episodes.reduce(into: Set<String>()) { $0.formUnion(all[$1]) }
        for path in all.reduce(Set<String>(), { $0.union($1) }).subtracting(wanted) {
            try FileManager.default.removeItem(atPath: path)
        }
        return (copy, Set(all.indices.filter { all[$0].isSubset(of: wanted) }))
    }

    private func verification(of dataset: some RobotDataset, _ camera: Camera) throws -> DatasetVerification {
        try DatasetVerification(dataset: dataset, cameras: [camera])
    }

    @Test("train on the episodes that are there, with a note")
    func train() throws {
        let count = try CaseCopy.original(Self.name).episodes.count
        let choices = (0..<count).map { [$0] } + [[0, count - 1]]
        var reasons = 0
        for episodes in choices {
            let (copy, whole) = try download(episodes)
            let cameras = try copy.open().cameras
            for camera in cameras {
                var options = copy.options
                options.imageKeys = [.init(pattern: copy.name, key: camera.key)]
                let source = try StreamSource.open(options)[0]
                let found = Set(source.episodes.map(\.index))
                #expect(
                    found.isSuperset(of: whole), "\(episodes), \(camera.key): \(found.sorted()) of \(whole.sorted())")
                #expect(try FramePairStream(options).next() != nil)
                reasons += source.notes.count { $0.contains("episodes=[…]") }
                // What is there is read to its end.
                let dataset = try copy.open()
                let prepared = try dataset.prepared(for: [camera], onBadSample: .fail).dataset
                let report = try DatasetReport(dataset: dataset, cameras: [camera])
                let isTold = report.notes.contains { $0.contains("not on this disk") || $0.contains("episodes=[…]") }
                #expect(isTold == (found.count < count))
                let verified = try verification(of: prepared, camera)
                let lengths = dataset.episodes.filter { found.contains($0.episodeIndex) }.map(\.length)
                #expect(verified.frames == lengths.reduce(0, +))
            }
        }
        #expect(reasons > 0, "no choice leaves rows whose video is not there")
    }

    @Test("are not what a dataset is that lost a video, which is refused")
    func lost() throws {
        let copy = try CaseCopy(Self.name)
        let dataset = try copy.open()
        let camera = dataset.cameras[0]
        // The other camera's file and the rows of the same episodes are there for nothing.
        let lost = try dataset.videoFile(of: dataset.episodes[0], camera: camera)
        let mates = try dataset.episodes.filter { try dataset.videoFile(of: $0, camera: camera) == lost }
        let others = try Set(
            dataset.episodes.filter { episode in !mates.contains { $0.episodeIndex == episode.episodeIndex } }.flatMap {
                episode in
                try [dataset.dataFile(of: episode), dataset.videoFile(of: episode, camera: dataset.cameras[1])]
            })
        let own = try Set(
            mates.flatMap {
                try [dataset.dataFile(of: $0), dataset.videoFile(of: $0, camera: dataset.cameras[1])]
            })
        try #require(!own.isSubset(of: others), "the dataset has no file of these episodes alone")
        try FileManager.default.removeItem(atPath: lost)
        #expect(throws: DataError.self) { _ = try copy.open().prepared(for: [camera], onBadSample: .fail) }
        // Nor is an empty file, or a pointer, what a download leaves out.
        try Data().write(to: URL(fileURLWithPath: lost))
        #expect(throws: DataError.self) { _ = try copy.open().prepared(for: [camera], onBadSample: .fail) }
    }

    @Test("are not converted as if they were whole")
    func convert() throws {
        let count = try CaseCopy.original(Self.name).episodes.count
        for episodes in (0..<count).map({ [$0] }) {
            let (copy, _) = try download(episodes)
            let dataset = try copy.open()
            let lacks = try dataset.episodes.contains { episode in
                try dataset.cameras.contains {
                    !FileManager.default.fileExists(atPath: try dataset.videoFile(of: episode, camera: $0))
                }
            }
            guard lacks else { continue }
            #expect(throws: DataError.self) {
                for camera in dataset.cameras { try dataset.requirePictures(of: camera) }
            }
        }
    }
}
