import Foundation
import TestSupport
import Testing

/// `lam convert`, `lam action-config` and training on HDF5 files, as a user runs them.
@Suite struct ConvertTests {
    private func lam(_ arguments: String...) throws -> LamProgram.Result { try LamProgram().run(arguments) }

    private func sample(_ name: String) -> String { Goldens.url("hdf5/\(name).hdf5").path }

    @Test("HDF5 becomes a sound dataset with action_config, without a word from the codecs")
    func convert() throws {
        let folder = try TemporaryFolder()
        for codec in ["h264", "av1"] {
            let target = folder.path(codec)
            let result = try lam(
                "convert", sample("libero_like_demo"), target, "--codec", codec, "--action-config", "whole",
                "--cameras",
                "agentview_rgb=image", "eye_in_hand_rgb=wrist_image")
            let lines = result.error.split(separator: "\n")
            #expect(result.status == 0 && lines.allSatisfy { $0.hasPrefix("note: ") }, "\(result.error)")
            #expect(result.output.contains("3 episodes, 87 frames, 2 cameras"))
            let inspected = try lam("inspect", target, "--verify")
            #expect(inspected.status == 0 && inspected.output.contains("174 frames decoded"), "\(inspected.error)")
            let checked = try lam("action-config", target)
            #expect(checked.status == 0 && checked.output.contains("3 of 3 episodes have 3 segments"))
        }
        let again = try lam("convert", sample("libero_like_demo"), folder.path("av1"))
        #expect(again.status == 2 && again.error.contains("destination exists"))
    }

    @Test("what is wrong is one line, and 2 for the command, 3 for the data")
    func errors() throws {
        let folder = try TemporaryFolder()
        for (arguments, status, words) in [
            (["convert", sample("bad_truncated"), folder.path("a")], 3, "truncated"),
            (["convert", sample("no_rate"), folder.path("b")], 3, "--fps"),
            (["convert", sample("gzip_shuffle"), folder.path("c"), "--codec", "vp8"], 2, "vp8"),
            (["convert", sample("gzip_shuffle"), folder.path("c"), "--cameras", "a/b"], 3, "unknown camera"),
            (["inspect", sample("bad_external_link")], 3, "external link"),
            (["action-config", Goldens.url("datasets/toto_push_lf_v21").path], 3, "--from-tasks"),
        ] {
            let result = try LamProgram().run(arguments)
            #expect(result.status == Int32(status), "\(arguments): \(result.error)")
            #expect(result.error.contains(words), "\(arguments): \(result.error)")
        }
        #expect(try folder.names().isEmpty)
    }

    @Test("lam fit trains on HDF5 files beside a LeRobot dataset")
    func fit() throws {
        let lam = try LamProgram(changing: [
            Goldens.url("datasets").path: Goldens.url("").path,
            #"["toto_push_lf_v21", 1.0]"#: """
            [hdf5/libero_like_demo.hdf5, 1.0]
                - [hdf5/aloha_jpeg_vlen_episode_0.hdf5, 1.0]
                - [datasets/toto_push_lf_v21, 1.0]
              image_keys: {libero: agentview_rgb, aloha: cam_high}
              fps: {aloha: 25}
            """,
        ])
        let result = try lam.fit()
        #expect(result.status == 0, "\(result.error)")
        let resumed = try lam.fit("--ckpt_path", "last", "--trainer.max_steps", "6")
        #expect(resumed.status == 0, "\(resumed.error)")
        let other = try lam.fit("--ckpt_path", "last", "--data.fps", "{aloha: 30}")
        #expect(other.status != 0 && other.error.contains("fps"), "\(other.error)")
    }

    @Test("a folder without a dataset is told as what it is")
    func noDataset() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path("notes/deeper"), withIntermediateDirectories: true)
        let result = try lam("convert", folder.path("notes"), folder.path("out"))
        #expect(
            result.status == 3 && result.error.contains("no dataset") && result.error.contains("deeper"),
            "\(result.error)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("out")))
    }
}
