import Foundation
import Conversion
import LAMData
import Synchronization
import TestSupport
import Testing

@Suite("Conversion with several threads")
struct ParallelConversionTests {
    private let folder: TemporaryFolder
    private let source: HDF5Dataset

    init() throws {
        folder = try TemporaryFolder()
        source = try HDF5Dataset(path: Goldens.url("hdf5/libero_like_demo.hdf5").path, name: "libero")
    }

    private func requireSameFiles(_ first: String, _ second: String) throws {
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path(first)).sorted()
        #expect(try FileManager.default.subpathsOfDirectory(atPath: folder.path(second)).sorted() == names)
        for name in names {
            let (one, other) = (folder.path("\(first)/\(name)"), folder.path("\(second)/\(name)"))
            #expect(FileManager.default.contentsEqual(atPath: one, andPath: other), "\(name)")
        }
    }

    @Test("gives the same bytes in every file as one thread does", arguments: ["v2.1", "v3.0"])
    func sameBytes(format: String) throws {
        var options = ConversionOptions()
        options.format = try #require(DatasetInfo.Version(rawValue: format))
        options.actionConfig = .whole
        let counted = Mutex([Int]())
        let one = try DatasetConversion(source, to: folder.path("one"), options).run()
        let several = try DatasetConversion(source, to: folder.path("several"), options).run(
            threads: 3, progress: { done, _, _ in counted.withLock { $0.append(done) } })
        #expect(one == several)
        try requireSameFiles("one", "several")
        let progress = counted.withLock { $0 }
        #expect(progress == progress.sorted() && progress.last == source.totalFrames * source.cameras.count)
    }

    @Test("goes on after an interruption with the bytes that one thread writes at once")
    func resume() throws {
        #expect(throws: CancellationError.self) {
            try DatasetConversion(source, to: folder.path("out"), ConversionOptions()).run(
                threads: 2, isCancelled: cancelling(after: 10))
        }
        #expect(try folder.names() == ["out.partial"])
        _ = try DatasetConversion(source, to: folder.path("out"), ConversionOptions()).run(threads: 3)
        _ = try DatasetConversion(source, to: folder.path("once"), ConversionOptions()).run()
        try requireSameFiles("out", "once")
    }

    @Test("begins anew where an earlier one was ended before it could say what it is, and leaves other folders alone")
    func barelyBegun() throws {
        let manager = FileManager.default
        try manager.createDirectory(atPath: folder.path("out.partial/.conversion"), withIntermediateDirectories: true)
        _ = try DatasetConversion(source, to: folder.path("out"), ConversionOptions()).run()
        #expect(try folder.names() == ["out"])
        try manager.createDirectory(atPath: folder.path("other.partial/.conversion"), withIntermediateDirectories: true)
        try Data([1]).write(to: folder.url("other.partial/mine"))
        #expect(throws: ConversionError.self) {
            try DatasetConversion(source, to: folder.path("other"), ConversionOptions()).run()
        }
    }

    @Test("says what is wrong with the first episode that fails, and leaves no dataset")
    func failure() throws {
        let damaged = try HDF5Dataset(path: Goldens.url("hdf5/frame_damaged_chunk.hdf5").path, name: "damaged")
        func error(threads: Int) -> String {
            do {
                _ = try DatasetConversion(damaged, to: folder.path("out\(threads)"), ConversionOptions()).run(
                    threads: threads)
                return "none"
            } catch { return "\(error)" }
        }
        #expect(error(threads: 1).contains("demo"))
        #expect(error(threads: 1) == error(threads: 3))
        #expect(try folder.names() == ["out1.partial", "out3.partial"])
    }
}
