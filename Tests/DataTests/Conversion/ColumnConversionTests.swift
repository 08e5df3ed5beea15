import Formats
import Foundation
import Conversion
import LAMData
import Parquet
import TestSupport
import Testing

/// Columns of unusual kinds through `lam convert`.
@Suite("Conversion of columns")
struct ColumnConversionTests {
    private struct Converted {
        let folder: TemporaryFolder
        let source: LeRobotDataset
        let dataset: LeRobotDataset
        let leftOut: [String]

        init(_ name: String, format: DatasetInfo.Version, edit: (inout ConversionOptions) -> Void = { _ in }) throws {
            folder = try TemporaryFolder()
            source = try LeRobotDataset(
                root: Goldens.url("cases/19-language-columns-convert/\(name)").path, name: name)
            var options = ConversionOptions()
            options.format = format
            edit(&options)
            let conversion = try DatasetConversion(source, to: folder.path("out"), options)
            leftOut = conversion.leftOut
            _ = try conversion.run()
            dataset = try LeRobotDataset(root: folder.path("out"), name: name)
        }

        /// Values of a column over all files, in the order of the episodes.
        static func values(_ column: String, of dataset: LeRobotDataset) throws -> [ParquetValue] {
            var seen: Set<String> = []
            return try dataset.episodes.map { try dataset.dataFile(of: $0) }.filter { seen.insert($0).inserted }
                .flatMap { try ParquetFile(path: $0).values(column) }
        }

        func expectSame(_ column: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
            let (before, after) = (try Self.values(column, of: source), try Self.values(column, of: dataset))
            #expect(before == after, "\(column)", sourceLocation: sourceLocation)
        }

        func document(_ file: String) throws -> JSONValue {
            try JSONValue(contentsOf: folder.url("out/meta/\(file)"))
        }
    }

    @Test("language columns, subtasks and tools go into a v3.0 dataset as they are", arguments: ["lang", "language"])
    func language(name: String) throws {
        let converted = try Converted(name, format: .v30)
        #expect(converted.leftOut == [])
        for column in ["language_persistent", "language_events"] {
            try converted.expectSame(column)
            let feature = try converted.document("info.json")["features"]?[column]
            #expect(feature?["dtype"]?.string == "language" && feature?["shape"]?.ints == [1])
        }
        #expect(try converted.document("info.json")["tools"]?.array?.count == 1)
        try converted.dataset.verifyRows()
        guard name == "language" else { return }
        try converted.expectSame("subtask_index")
        let table = "meta/subtasks.parquet"
        #expect(
            try Data(contentsOf: converted.folder.url("out/" + table))
                == Data(contentsOf: URL(fileURLWithPath: converted.source.root + "/" + table)))
    }

    @Test("a field that is null throughout stays of no type, as Arrow wrote it")
    func nullFields() throws {
        let converted = try Converted("language", format: .v30)
        for column in ["language_persistent", "language_events"] {
            let before = try ParquetFile(path: converted.source.dataFile(of: converted.source.episodes[0]))
            let after = try ParquetFile(path: converted.dataset.dataFile(of: converted.dataset.episodes[0]))
            #expect(before.type(of: column) == after.type(of: column))
        }
        let type = try ParquetFile(path: converted.dataset.dataFile(of: converted.dataset.episodes[0]))
            .type(of: "language_persistent")
        guard case .list(.structure(let fields))? = type else {
            Issue.record("\(String(describing: type))")
            return
        }
        #expect(fields.first { $0.name == "camera" }?.type == .null)
    }

    @Test("v2.1 has no language columns: they are left out with a line, and everything else is there")
    func languageInV21() throws {
        let converted = try Converted("language", format: .v21)
        #expect(
            converted.leftOut == [
                "language_persistent: language [1] has no form in v2.1",
                "language_events: language [1] has no form in v2.1",
            ])
        #expect(converted.dataset.info.feature("language_events") == nil)
        for column in ["action", "observation.state", "subtask_index"] { try converted.expectSame(column) }
        try converted.dataset.verifyRows()
    }

    @Test(
        "half floats and arrays of three dimensions keep their bits and types",
        arguments: [DatasetInfo.Version.v21, .v30])
    func typed(format: DatasetInfo.Version) throws {
        let converted = try Converted("typed", format: format)
        #expect(converted.leftOut == [])
        for column in ["observation.half", "observation.single_half", "observation.cube", "action"] {
            try converted.expectSame(column)
        }
        let file = try ParquetFile(path: converted.dataset.dataFile(of: converted.dataset.episodes[0]))
        #expect(file.type(of: "observation.half") == .list(.half))
        #expect(file.type(of: "observation.single_half") == .half)
        #expect(file.type(of: "observation.cube") == .list(.list(.list(.float))))
        let features = try converted.document("info.json")["features"]
        #expect(features?["observation.cube"]?["shape"]?.ints == [2, 3, 4])
        #expect(features?["observation.half"]?["dtype"]?.string == "float16")
        let huggingFace = try #require(file.keyValueMetadata["huggingface"])
        #expect(huggingFace.contains("Array3D") && huggingFace.contains("float16"))
    }

    @Test("named columns and cameras are left out")
    func dropped() throws {
        let converted = try Converted("language", format: .v30) {
            $0.dropped = ["language_events", "observation.state", "front"]
        }
        #expect(converted.leftOut == [])
        let file = try ParquetFile(path: converted.dataset.dataFile(of: converted.dataset.episodes[0]))
        for column in ["language_events", "observation.state"] {
            #expect(!file.columnNames.contains(column) && converted.dataset.info.feature(column) == nil)
        }
        #expect(converted.dataset.cameras.isEmpty)
        try converted.expectSame("language_persistent")
        let stats = try converted.document("stats.json")
        #expect(stats["observation.state"] == nil && stats["action"] != nil)
    }

    @Test("a column to leave out that is not there, or that every dataset has, is an error with the names")
    func unknown() throws {
        for name in ["observation.effort", "timestamp", "index"] {
            let error = #expect(throws: ConversionError.self) {
                try Converted("lang", format: .v30) { $0.dropped = [name] }
            }
            let text = "\(try #require(error))"
            #expect(text.contains("no such column: dataset lang: expected one of action, "), "\(text)")
            #expect(text.contains("observation.images.top, got \(name)"), "\(text)")
        }
    }

    @Test("columns of HDF5 files are left out in the same way")
    func hdf5() throws {
        let folder = try TemporaryFolder()
        let source = try HDF5Dataset(path: Goldens.url("hdf5/libero_like_demo.hdf5").path, name: "libero")
        var options = ConversionOptions()
        _ = try DatasetConversion(source, to: folder.path("all"), options).run()
        let all = try LeRobotDataset(root: folder.path("all"), name: "libero").info.features.map(\.name)
        let column = try #require(all.first { $0.hasPrefix("observation.") && !$0.contains("images") })
        options.dropped = [column]
        _ = try DatasetConversion(source, to: folder.path("out"), options).run()
        let dataset = try LeRobotDataset(root: folder.path("out"), name: "libero")
        #expect(dataset.info.feature(column) == nil && dataset.info.feature("action") != nil)
        try dataset.verifyRows()
    }
}
