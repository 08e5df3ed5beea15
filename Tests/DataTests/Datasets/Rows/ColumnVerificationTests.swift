import Formats
import LAMData
import Parquet
import TestSupport
import Testing

/// Columns that are not what `info.json` declares: pictures can be learnt from, conversion is not possible.
@Suite("Declared columns")
struct ColumnVerificationTests {
    private static let name = "datasets/typed_columns_v30"

    private func warnings(_ change: (inout CaseCopy.Table) throws -> Void) throws -> [String] {
        let copy = try CaseCopy(Self.name)
        try copy.rewrite(CaseCopy.data, change)
        return try copy.open().verifyRows()
    }

    @Test("that are there as declared are sound, in every dataset")
    func sound() throws {
        #expect(try warnings { _ in }.isEmpty)
        for name in [
            "push_default_v30", "toto_push_lf_v21", "droid_push_v30", "toto_push_images_v30", "image_kinds_v21",
        ] {
            #expect(try CaseCopy.original("datasets/\(name)").verifyRows().isEmpty, "\(name)")
        }
    }

    @Test("that are missing in a data file are named")
    func missing() throws {
        let dataset = try CaseCopy.original(Self.name)
        let column = try #require(
            dataset.columns.map(\.name).first {
                !["index", "timestamp", "task_index"].contains($0) && !$0.hasSuffix("_index")
            })
        let found = try warnings { $0.remove(column) }
        #expect(found.count == 1 && found[0].contains("column \(column) of 1 data files"), "\(found)")
    }

    @Test("of another type or width are named with file and row")
    func others() throws {
        let dataset = try CaseCopy.original(Self.name)
        let vector = try #require(
            dataset.columns.first { $0.shape.count == 1 && $0.shape[0] > 1 && $0.dtype == "float32" })
        let short = try warnings { table in
            table.set(
                vector.name, .list(.float),
                (0..<table.rowCount).map { row in
                    .list((0..<(row == 3 ? vector.shape[0] - 1 : vector.shape[0])).map { .float(Float($0)) })
                })
        }
        #expect(short.count == 1 && short[0].contains("row 3"), "\(short)")
        let text = try warnings { table in
            table.set(vector.name, .string, (0..<table.rowCount).map { _ in .string("none") })
        }
        #expect(text.count == 1 && text[0].contains("row 0"), "\(text)")
    }

    @Test("that number the rows are made anew by a conversion")
    func counters() throws {
        let found = try warnings { $0.remove("frame_index") }
        #expect(found.count == 1 && found[0].contains("lam convert makes it anew"), "\(found)")
    }
}
