import Foundation
import TestSupport
import Testing

/// Folders of plain videos, as a user has them.
@Suite("Plain videos, by command") struct PlainVideoProgramTests {
    /// `films` with three videos of two containers, one of them with an instruction.
    private func films(_ folder: TemporaryFolder) throws -> String {
        let root = folder.path("films")
        try FileManager.default.createDirectory(atPath: root + "/sub", withIntermediateDirectories: true)
        for (from, to) in [("hevc_bframes.mp4", "a.mp4"), ("vp9.webm", "sub/b.webm"), ("mpeg4_bframes.mp4", "c.mov")] {
            try FileManager.default.copyItem(
                atPath: Goldens.url("video/\(from)").path, toPath: "\(root)/\(to)")
        }
        try Data("push the block".utf8).write(to: URL(fileURLWithPath: "\(root)/a.txt"))
        return root
    }

    @Test("are inspected, trained on, labelled and converted")
    func commands() throws {
        let folder = try TemporaryFolder()
        let root = try films(folder)
        let seen = try LamProgram().run(["inspect", root, "--verify", "--fps", "10"])
        #expect(seen.status == 0, "\(seen.error)")
        for text in ["plain video", "push the block", "3 files", "frames decoded"] {
            #expect(seen.output.contains(text), "\(seen.output)")
        }
        let lam = try LamProgram(changing: [
            Goldens.url("datasets").path: folder.path(""),
            #"["toto_push_lf_v21", 1.0]"#: """
            [films, 1.0]
              window_seconds: {films: 0.2}
              fps: {films: 10}
              exclude_episodes: {films: {task: push}}
            """,
        ])
        let fit = try lam.fit()
        #expect(fit.status == 0, "\(fit.error)")
        #expect((fit.output + fit.error).contains("2 of 3 episodes are chosen"))
        let converted = try LamProgram().run(["convert", root, folder.path("made"), "--fps", "10", "--format", "v3.0"])
        #expect(converted.status == 0, "\(converted.error)")
        let checked = try LamProgram().run(["inspect", folder.path("made"), "--verify"])
        #expect(checked.status == 0 && checked.output.contains("LeRobot v3.0"), "\(checked.error)")
    }

    @Test("that are cut off are named, with 3 for the data, and left out where that is asked for")
    func damaged() throws {
        let folder = try TemporaryFolder()
        let root = try films(folder)
        let whole = try Data(contentsOf: URL(fileURLWithPath: "\(root)/a.mp4"))
        try whole.prefix(whole.count * 2 / 3).write(to: URL(fileURLWithPath: "\(root)/a.mp4"))
        for arguments in [["inspect", root], ["convert", root, folder.path("made")]] {
            let result = try LamProgram().run(arguments)
            #expect(result.status == 3 && result.error.contains("a.mp4"), "\(result.error)")
        }
        let changes = [
            Goldens.url("datasets").path: folder.path(""),
            #"["toto_push_lf_v21", 1.0]"#: "[films, 1.0]\n  on_bad_sample: skip\n  window: 3",
        ]
        let fit = try LamProgram(changing: changes).fit()
        #expect(fit.status == 0, "\(fit.error)")
        #expect((fit.output + fit.error).contains("1 of 3 videos cannot be used"))
    }

    @Test("of pictures that are none name the first")
    func pictures() throws {
        let folder = try TemporaryFolder()
        let clip = folder.path("clips/one")
        try FileManager.default.createDirectory(atPath: clip, withIntermediateDirectories: true)
        for number in 1...3 {
            try Data("no picture".utf8).write(to: URL(fileURLWithPath: "\(clip)/\(number).png"))
        }
        let result = try LamProgram().run(["inspect", folder.path("clips")])
        #expect(result.status == 3 && result.error.contains("one/1.png"), "\(result.error)")
    }

    @Test("of which a new one has changed the numbers have no labels of each other")
    func renumbered() throws {
        let folder = try TemporaryFolder()
        let root = folder.path("films")
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        func add(_ name: String) throws {
            try FileManager.default.copyItem(
                atPath: Goldens.url("video/hevc_bframes.mp4").path, toPath: "\(root)/\(name).mp4")
        }
        try add("b")
        let lam = try LamProgram(changing: [
            Goldens.url("datasets").path: folder.path(""),
            #"["toto_push_lf_v21", 1.0]"#: "[films, 1.0]\n  window: 3\n  val_fraction: 0",
        ])
        let fit = try lam.fit("--trainer.max_steps", "1", "--data.batch_size", "2")
        try #require(fit.status == 0, "\(fit.error)")
        func predict() throws -> LamProgram.Result {
            try lam.run("predict", "--config", "config.yaml", "--ckpt_path", "last")
        }
        #expect(try predict().status == 0)
        try add("c")
        let more = try predict()
        #expect(more.status == 0 && more.output.contains("1 episodes were complete before"), "\(more.error)")
        try add("a")
        let changed = try predict()
        #expect(
            changed.status != 0 && changed.error.contains("a.mp4") && changed.error.contains("b.mp4"),
            "\(changed.error)")
    }
}
