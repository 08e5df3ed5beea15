import Foundation
import Formats
import TestSupport
import Testing

/// What is left of outputs when a command, its disk or another command gets in the way.
@Suite struct ReliabilityTests {
    private static let source = Goldens.url("hdf5/gzip_shuffle.hdf5").path
    private static let dataset = Goldens.url("datasets/toto_push_lf_v21").path

    /// The same as for a release, at some of the calls.
    @Test("killed or failing at its calls, a command repeated leaves what an undisturbed one does, and nothing else")
    func faults() throws {
        let program = try LamProgram()
        let script = Goldens.repository.appendingPathComponent("scripts/reliability.sh").path
        let result = try program.run(
            [script, "short", "convert-v21", "convert-v30", "merge", "segments", "fit"],
            inShell: "LAM=\"$0\" exec bash \"$@\"")
        #expect(result.status == 0, "\(result.output)\(result.error)")
        #expect(result.output.contains("\nall "))
    }

    @Test("one writer for each destination; the other is told who it is, and a dead one's lock counts for nothing")
    func locks() throws {
        let program = try LamProgram()
        let place = program.folder.path("out.partial.lock")
        let lock = try WriterLock(path: place)
        let refused = try program.run("convert", Self.source, "out")
        #expect(refused.status == 1 && refused.error.contains("in use"), "\(refused.error)")
        #expect(refused.error.contains("process \(ProcessInfo.processInfo.processIdentifier) on "), "\(refused.error)")
        #expect(throws: FormatError.self) { try WriterLock(path: place) }
        try lock.release()
        #expect(!FileManager.default.fileExists(atPath: place))
        // As a process leaves it that was killed.
        _ = try program.folder.write("process 1 on nowhere\n", to: "out.partial.lock")
        _ = try program.folder.write("half", to: "out.partial.tmp-\(UUID().uuidString)")
        let taken = try program.run("convert", Self.source, "out")
        #expect(taken.status == 0, "\(taken.error)")
        #expect(try program.folder.names() == ["config.yaml", "out"])
    }

    @Test("a destination inside its source is refused")
    func inside() throws {
        let program = try LamProgram()
        try FileManager.default.copyItem(atPath: Self.dataset, toPath: program.folder.path("ds"))
        let before = program.files()
        for destination in ["ds/v3", "ds/a/b", "./ds/../ds/v3"] {
            let result = try program.run("convert", "ds", destination, "--format", "v3.0")
            #expect(result.status == 2 && result.error.contains("inside its source"), "\(result.error)")
        }
        #expect(program.files() == before)
    }

    @Test(
        "datasets of any name become datasets of any name",
        arguments: [
            "a", " ", "...a", "a b\tc", "🤖🦾", "-x", String(repeating: "n", count: 255),
            String(repeating: "é", count: 127),
        ])
    func names(_ name: String) throws {
        let program = try LamProgram()
        try FileManager.default.createDirectory(atPath: program.folder.path("in"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: Self.dataset, toPath: program.folder.path("in/\(name)"))
        let result = try program.run("convert", "./in/\(name)", "./\(name)", "--format", "v3.0")
        #expect(result.status == 0, "\(result.error)")
        #expect(try program.folder.names() == ["config.yaml", "in", name].sorted())
        #expect(try program.run("inspect", "./\(name)").status == 0)
    }

    @Test("a second run with the same folder of checkpoints takes one of its own, and says so")
    func twoRuns() throws {
        let program = try LamProgram()
        let folder = program.folder.path("checkpoints")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let held = open(folder, O_RDONLY | O_DIRECTORY)
        #expect(held >= 0 && flock(held, LOCK_EX | LOCK_NB) == 0)
        let second = try program.fit()
        #expect(second.status == 0, "\(second.error)")
        #expect((second.error + second.output).contains("version_1"), "\(second.output)\(second.error)")
        #expect(program.exists("checkpoints/version_1/last.ckpt") && !program.exists("checkpoints/last.ckpt"))
        close(held)
        #expect(try program.fit().status == 0 && program.exists("checkpoints/last.ckpt"))
    }

    @Test("files whose names are not UTF-8 are told, not passed over")
    func undecodableNames() throws {
        let program = try LamProgram()
        let video = "\(Self.dataset)/videos/chunk-000/observation.images.image/episode_000000.mp4"
        let result = try program.run(
            ["convert", "v", "out", video],
            inShell:
                "mkdir v && cp \"$4\" v/a.mp4 && cp \"$4\" \"v/$(printf 'a\\377').mp4\" && exec \"$0\" \"$1\" \"$2\" \"$3\""
        )
        #expect(result.status == 3 && result.error.contains("UTF-8"), "\(result.output)\(result.error)")
    }
}
