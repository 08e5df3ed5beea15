import Formats
import Foundation
import Conversion
import LAMData
import Parquet
import TestSupport
import Testing

@Suite("Copies of datasets with more columns")
struct DatasetExtensionTests {
    private static let feature = "latent_action"

    private static func column() throws -> StoredColumn {
        try #require(StoredColumn(feature: feature, dtype: "int64", shape: [4]))
    }

    /// Four numbers that tell episode and frame.
    private static func value(_ episode: Int, _ frame: Int) -> ParquetValue {
        .list([.int(Int64(episode)), .int(Int64(frame)), .int(7), .int(-1)])
    }

    private static func extend(_ dataset: LeRobotDataset, to folder: String) throws {
        try DatasetExtension(dataset, columns: [column()]).write(
            to: folder,
            values: { place in
                let episode = dataset.episodes[place]
                return [(0..<episode.length).map { value(episode.episodeIndex, $0) }]
            })
    }

    private static func files(_ root: String) throws -> [String] {
        let all = try #require(FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String })
        return try all.filter {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(root)/\($0)")
            return attributes[.type] as? FileAttributeType != .typeDirectory
        }.sorted()
    }

    private static func json(_ path: String) throws -> JSONValue {
        try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }

    private static func keys(_ json: JSONValue?) -> Set<String> { Set(json?.object?.keys.map { $0 } ?? []) }

    @Test("has the column in every row and all else as it was", arguments: SampleDatasets.names)
    func copies(_ name: String) throws {
        let folder = try TemporaryFolder()
        let original = try SampleDatasets.open(name)
        try Self.extend(original, to: folder.path("copy"))
        let copy = try LeRobotDataset(root: folder.path("copy"), name: original.name)
        try copy.verifyRows()
        #expect(copy.episodes == original.episodes && copy.tasks == original.tasks)
        #expect(copy.info.features.dropLast() == original.info.features[...])
        #expect(copy.info.feature(Self.feature)?.shape == [4] && copy.info.feature(Self.feature)?.dtype == "int64")
        for episode in copy.episodes {
            let values = try #require(try copy.values(of: Self.feature, in: episode))
            #expect(values == (0..<episode.length).map { [Double(episode.episodeIndex), Double($0), 7, -1] })
        }
        let names = try Self.files(original.root)
        #expect(try Self.files(copy.root) == names)
        for file in names {
            let (old, new) = ("\(original.root)/\(file)", "\(copy.root)/\(file)")
            let attributes = try FileManager.default.attributesOfItem(atPath: new)
            #expect(attributes[.type] as? FileAttributeType == .typeRegular, "\(file)")
            if file.hasPrefix("data/") {
                let (before, after) = (try ParquetFile(path: old), try ParquetFile(path: new))
                for column in before.columnNames {
                    #expect(try "\(after.values(column))" == "\(before.values(column))", "\(file) \(column)")
                }
                #expect(after.keyValueMetadata["huggingface"]?.contains(Self.feature) ?? true)
            } else if !file.hasPrefix("meta/") || file.contains("tasks") || file == "meta/episodes.jsonl" {
                #expect(FileManager.default.contentsEqual(atPath: old, andPath: new), "\(file)")
            }
        }
    }

    @Test("has statistics of the column where others have some")
    func statistics() throws {
        for name in ["toto_push_lf_v20", "toto_push_lf_v21", "push_default_v30"] {
            let folder = try TemporaryFolder()
            let original = try SampleDatasets.open(name)
            try Self.extend(original, to: folder.path("copy"))
            let lengths = original.episodes.map { Double($0.length) }
            if name != "toto_push_lf_v21" {
                let all = try Self.json(folder.path("copy/meta/stats.json"))
                let own = try #require(all[Self.feature])
                #expect(own["max"]?.doubles?[1] == (lengths.max() ?? 0) - 1 && own["min"]?.doubles?[3] == -1)
                let weighted = zip(lengths, original.episodes).reduce(0) { $0 + $1.0 * Double($1.1.episodeIndex) }
                let mean = try #require(own["mean"]?.doubles?.first)
                #expect(abs(mean - weighted / lengths.reduce(0, +)) < 1e-9)
                #expect(Self.keys(own) == Self.keys(all["action"]))
            }
            if name == "toto_push_lf_v21" {
                let lines = try String(contentsOf: folder.url("copy/meta/episodes_stats.jsonl"), encoding: .utf8)
                    .split(separator: "\n").map { try JSONDecoder().decode(JSONValue.self, from: Data($0.utf8)) }
                #expect(lines.count == original.episodes.count)
                for (line, length) in zip(lines, lengths) {
                    let own = try #require(line["stats"]?[Self.feature])
                    #expect(own["max"]?.doubles?[1] == length - 1 && own["count"]?.doubles == [length])
                    #expect(Self.keys(own) == Self.keys(line["stats"]?["action"]))
                }
            }
            if name == "push_default_v30" {
                var rows = 0
                for file in try Self.files(folder.path("copy/meta/episodes")) {
                    let path = "meta/episodes/\(file)"
                    let old = try ParquetFile(path: "\(original.root)/\(path)")
                    let table = try ParquetFile(path: folder.path("copy/\(path)"))
                    for column in old.columnNames {
                        #expect(try "\(table.values(column))" == "\(old.values(column))", "\(column)")
                    }
                    let own = table.columnNames.filter { $0.hasPrefix("stats/\(Self.feature)/") }
                    #expect(own.count == table.columnNames.filter { $0.hasPrefix("stats/action/") }.count)
                    let indexes = try table.int64s("episode_index").map { Int($0) }
                    let longest = try table.values("stats/\(Self.feature)/max")
                    for (index, value) in zip(indexes, longest) {
                        let last = Double(original.episodes[index].length - 1)
                        #expect(value == .list([.double(Double(index)), .double(last), .double(7), .double(-1)]))
                    }
                    rows += table.rowCount
                }
                #expect(rows == original.episodes.count)
            }
        }
    }

    @Test("links what it can, follows links, and leaves hidden files out")
    func links() throws {
        let folder = try TemporaryFolder()
        // As the hub's cache has it: names that lead to bytes elsewhere.
        let root = folder.path("hub/snapshots/toto"), blobs = folder.path("hub/blobs")
        for path in [folder.path("hub/snapshots"), blobs] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        try FileManager.default.copyItem(atPath: Goldens.url("datasets/toto_push_lf_v21").path, toPath: root)
        try FileManager.default.moveItem(atPath: "\(root)/videos", toPath: "\(blobs)/videos")
        try FileManager.default.createSymbolicLink(atPath: "\(root)/videos", withDestinationPath: "\(blobs)/videos")
        try FileManager.default.createDirectory(atPath: "\(root)/.git", withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: "\(root)/.git/HEAD"))
        let dataset = try LeRobotDataset(root: root, name: "toto")
        try Self.extend(dataset, to: folder.path("copy"))
        let copy = try LeRobotDataset(root: folder.path("copy"), name: "toto")
        _ = try copy.videoNotes(camera: copy.cameras[0])
        #expect(!FileManager.default.fileExists(atPath: folder.path("copy/.git")))
        let video = try copy.videoFile(of: copy.episodes[0], camera: copy.cameras[0])
        let attributes = try FileManager.default.attributesOfItem(atPath: video)
        #expect(attributes[.referenceCount] as? Int == 2 && attributes[.type] as? FileAttributeType == .typeRegular)

        // A folder in itself.
        try FileManager.default.createSymbolicLink(
            atPath: "\(root)/data/again", withDestinationPath: root)
        #expect { try Self.extend(dataset, to: folder.path("loop")) } throws: { "\($0)".contains("folders") }

        // A copy would give away whatever such a link leads to.
        try FileManager.default.removeItem(atPath: "\(root)/data/again")
        try FileManager.default.createSymbolicLink(atPath: "\(root)/data/other", withDestinationPath: "/etc/hostname")
        #expect { try Self.extend(dataset, to: folder.path("leak")) } throws: {
            "\($0)".contains("a link out of the dataset")
        }
    }
}

extension JSONValue {
    fileprivate var doubles: [Double]? { array?.compactMap(\.double) }
}
