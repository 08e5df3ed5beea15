import Foundation
import LAMData
import Parquet
import TestSupport
import Testing

@Suite("Statistics of columns")
struct StatisticsTests {
    /// LeRobot's own writer stored these with each episode.
    @Test("of an episode are LeRobot's", arguments: ["many_tasks"])
    func episode(name: String) throws {
        let dataset = try LeRobotDataset(root: Goldens.url("cases/\(name)").path, name: name)
        let folder = "\(dataset.root)/meta/episodes/chunk-000"
        let tables = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        var compared = 0
        for file in tables {
            let table = try ParquetFile(path: "\(folder)/\(file)")
            let indexes = try table.int64s("episode_index")
            for (row, index) in indexes.enumerated() {
                guard let episode = dataset.episodes.first(where: { $0.episodeIndex == Int(index) }) else { continue }
                for feature in ["action", "observation.state"] where dataset.info.feature(feature) != nil {
                    let rows = try #require(try dataset.values(of: feature, in: episode))
                    let own = try #require(
                        ColumnStatistics(rows.map { .list($0.map { .double($0) }) }))
                    for (entry, values) in own.entries where table.columnNames.contains("stats/\(feature)/\(entry)") {
                        let stored = try table.values("stats/\(feature)/\(entry)")[row]
                        guard case .list(let list) = stored else { continue }
                        for (value, expected) in zip(values, list) {
                            guard case .double(let expected) = expected else { continue }
                            // LeRobot counts in single precision.
                            #expect(
                                abs(value - expected) < 2e-5 * max(1, abs(expected)), "\(feature) \(entry) \(index)")
                            compared += 1
                        }
                    }
                }
            }
        }
        #expect(compared > 50)
    }

    @Test("of several episodes have the lowest of the low quantiles and the highest of the high ones")
    func merged() throws {
        let parts = try [[0.0, 1, 2, 3], [10, 11, 12, 13, 14, 15]].map { values in
            try #require(ColumnStatistics(values.map { .double($0) }))
        }
        let all = ColumnStatistics(merging: parts)
        func values(_ statistics: ColumnStatistics, _ name: String) -> Double {
            statistics.entries.first { $0.name == name }?.values[0] ?? .nan
        }
        for name in ["q01", "q10", "q50"] { #expect(values(all, name) == values(parts[0], name)) }
        for name in ["q90", "q99"] { #expect(values(all, name) == values(parts[1], name)) }
        #expect(values(all, "mean") == 8.1)
        #expect(all.count == 10)
    }

    @Test("of one frame have its value for every quantile")
    func single() throws {
        let one = try #require(ColumnStatistics([.double(7)]))
        #expect(one.entries.filter { $0.name != "std" }.allSatisfy { $0.values == [7] })
    }
}
