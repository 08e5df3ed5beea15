import DataCore
import Datasets
import Formats
import Parquet

extension DatasetExtension {
    /// Writes a file of `meta` that says something of columns; false for one that does not. SPEC_LEROBOT §1–3.
    ///
    /// - Parameter statistics: by episode and column; nil for columns without numbers.
    func extendMetadata(_ name: String, statistics: [[ColumnStatistics?]], to folder: String) throws -> Bool {
        let text: String
        switch name {
        case "meta/info.json": text = try info()
        case "meta/stats.json": text = try allStatistics(statistics)
        case "meta/episodes_stats.jsonl": text = try statisticsLines(statistics)
        case _ where name.hasPrefix("meta/episodes/") && name.hasSuffix(".parquet"):
            return try extendTable(name, statistics: statistics, to: folder)
        default: return false
        }
        try Folder.create(for: "\(folder)/\(name)")
        try AtomicFile.write(Array(text.utf8), to: "\(folder)/\(name)")
        return true
    }

    private func file(_ name: String) throws -> MetadataFile {
        let path = "\(dataset.root)/\(name)"
        let lease = try dataset.hold(path)
        defer { withExtendedLifetime(lease) {} }
        return try MetadataFile(path: path, purpose: "the dataset's metadata")
    }

    private func info() throws -> String {
        let file = try file("meta/info.json")
        let json = try file.document()
        guard case .object(let features)? = json["features"] else {
            throw file.invalid("features", "an object", json["features"])
        }
        let added = columns.map { (key: $0.feature, value: $0.description) }
        return json.replacing("features", .object(features + added)).text(indent: 4)
    }

    /// Statistics over all episodes.
    private func allStatistics(_ statistics: [[ColumnStatistics?]]) throws -> String {
        let file = try file("meta/stats.json")
        var json = try file.document()
        guard case .object(let known) = json else { throw file.invalid("document", "an object", json) }
        for (place, column) in columns.enumerated() {
            let parts = statistics.compactMap { $0.indices.contains(place) ? $0[place] : nil }
            guard !parts.isEmpty else { continue }
            json = json.replacing(column.feature, Self.json(ColumnStatistics(merging: parts), as: known.map(\.value)))
        }
        return json.text(indent: 4)
    }

    /// Statistics of each episode, a line each. Lines of other episodes stay.
    private func statisticsLines(_ statistics: [[ColumnStatistics?]]) throws -> String {
        let places = Dictionary(
            dataset.episodes.enumerated().map { ($1.episodeIndex, $0) }, uniquingKeysWith: { first, _ in first })
        let file = try file("meta/episodes_stats.jsonl")
        return try file.lines().map { line, json in
            guard let index = json["episode_index"]?.int, case .object(let known)? = json["stats"] else {
                throw file.invalid("stats", "episode_index and stats", json, line: line)
            }
            guard let episode = places[index] else { return json.text() + "\n" }
            var stats = JSON.object(known)
            for (column, own) in zip(columns, statistics[episode]) {
                guard let own else { continue }
                stats = stats.replacing(column.feature, Self.json(own, as: known.map(\.value)))
            }
            return json.replacing("stats", stats).text() + "\n"
        }.joined()
    }

    /// With the entries that other features have: quantiles are newer than most datasets.
    private static func json(_ statistics: ColumnStatistics, as others: [JSON]) -> JSON {
        var names: Set<String> = []
        for case .object(let members) in others { names.formUnion(members.map(\.key)) }
        guard case .object(let members) = statistics.json(isCamera: false), !names.isEmpty else {
            return statistics.json(isCamera: false)
        }
        return .object(members.filter { names.contains($0.key) })
    }

    /// `stats/<feature>/<name>` of the episodes of a table of v3.0, with the names that other features have; false for
    /// a table without statistics.
    private func extendTable(_ name: String, statistics: [[ColumnStatistics?]], to folder: String) throws -> Bool {
        let path = "\(dataset.root)/\(name)"
        let lease = try dataset.hold(path)
        defer { withExtendedLifetime(lease) {} }
        let table = try ParquetFile(path: path)
        let names = Set(
            table.columnNames.filter { $0.hasPrefix("stats/") }.compactMap { $0.split(separator: "/").last }.map(
                String.init))
        guard !names.isEmpty else { return false }
        let places = Dictionary(
            dataset.episodes.enumerated().map { ($1.episodeIndex, $0) }, uniquingKeysWith: { first, _ in first })
        let episodes = try table.int64s("episode_index").map { places[Int($0)] }
        var added: [ParquetColumn] = []
        func add(_ name: String, _ element: ParquetType, _ value: (ColumnStatistics) -> [ParquetValue], _ place: Int) {
            added.append(
                ParquetColumn(
                    "stats/\(columns[place].feature)/\(name)", .list(element),
                    episodes.map { episode in
                        episode.flatMap { statistics[$0][place] }.map { .list(value($0)) } ?? .null
                    }))
        }
        for place in columns.indices {
            for (entry, name) in ColumnStatistics.entryNames.enumerated() where names.contains(name) {
                add(name, .double, { $0.entries[entry].values.map { .double($0) } }, place)
            }
            if names.contains("count") {
                add("count", .integer(bits: 64, isSigned: true), { [.int(Int64($0.count))] }, place)
            }
        }
        try write(
            added,
            huggingFace: added.map { column in
                let dtype = column.type == .list(.double) ? "float64" : "int64"
                let value = JSON.object([("dtype", .string(dtype)), ("_type", .string("Value"))])
                return (column.name, .object([("feature", value), ("_type", .string("Sequence"))]))
            }, addedTo: table, as: name, in: folder)
        return true
    }
}
