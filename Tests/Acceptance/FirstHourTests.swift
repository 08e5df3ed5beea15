import Formats
import Foundation
import TestSupport
import Testing

/// What meets someone who uses the program for the first time.
@Suite struct FirstHourTests {
    @Test("help is help, however it is asked for, with types and defaults")
    func help() throws {
        let program = try LamProgram()
        for command in ["fit", "validate", "predict", "inspect", "convert"] {
            let first = try program.run("help", command), second = try program.run(command, "--help")
            #expect(first.status == 0 && first.output == second.output && !first.output.isEmpty, "\(command)")
        }
        let help = try program.run("fit", "-h").output
        for line in [
            "--trainer.max_steps: integer", "--data.crop: `square`, `original`, `lawam` (default: square)",
            "-c, --config",
        ] {
            #expect(help.contains(line), "\(line)")
        }
        let version = try program.run("--version")
        #expect(version.status == 0 && version.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil, "\(version.output)")
    }

    @Test(
        "a slip is answered with what was meant, after one prefix, with status 2",
        arguments: [
            ("fitt", "unknown command: fitt", "did you mean fit?"),
            ("bench engin", "unknown command: engin", "did you mean engine?"),
            ("fit --confg config.yaml", "--confg: unknown option", "did you mean --config?"),
            ("fit --config config.yaml --max_steps 3", "unknown key `max_steps`", "did you mean `trainer.max_steps`?"),
            ("fit --config config.yaml --trainer.max_stesp 3", "unknown key", "did you mean `max_steps`?"),
            (
                "fit --config config.yaml --trainer.callbacks+=ModelCheckpont", "unknown class",
                "did you mean ModelCheckpoint?"
            ),
            ("inspect --jsn x", "Unknown option '--jsn'", "'--json'"),
            ("predict --embeddings --latents codes", "--latents is codes", "keep one of them"),
            ("convert-checkpoint a.ckpt b --from lerobot-lawam", "model.safetensors", "a checkpoint needs no --from"),
            ("convert-checkpoint a b --to lerobot-lawam --from lerobot-lawam", "exclude each other", "--from"),
        ])
    func slips(line: String, says: String, hint: String) throws {
        let program = try LamProgram()
        let result = try program.run(line.split(separator: " ").map(String.init))
        #expect(result.status == 2 && result.error.hasPrefix("error: "), "\(result.error)")
        #expect(result.error.contains(says) && result.error.contains(hint), "\(result.error)")
        #expect(program.files() == ["config.yaml"])
    }

    @Test("words are joined by hyphens or underscores, in options of both kinds")
    func spelling() throws {
        let program = try LamProgram()
        let result = try program.fit("--trainer.max-steps", "2", "--data.batch-size=2", "--ckpt-path", "null")
        #expect(result.status == 0 && result.output.contains("2 steps in"), "\(result.error)")
        let dataset = Goldens.url("datasets/toto_push_lf_v21").path
        #expect(try program.run("inspect", dataset, "--exclude_file", "x.json", "--content").status == 0)
        #expect(program.exists("x.json"))
        #expect(try program.run("convert_checkpoint", "checkpoints/last.ckpt", "model.safetensors").status == 0)
    }

    @Test("the first step comes at once, with how long the run will take, until when, and what it needs")
    func forecast() throws {
        let program = try LamProgram()
        let result = try program.fit("--trainer.log_every_n_steps", "50", "--trainer.max_steps", "6")
        #expect(result.status == 0, "\(result.error)")
        #expect(
            result.output.contains(
                /step 1\/6 .*\nfirst step in \d+\.\d\d s; about \d\d:\d\d to go, until .*; memory \d+ MiB, a checkpoint about \d+ MiB\n/
            ), "\(result.output)")
    }

    @Test("a checkpoint's folder is the same however it is spelled")
    func folders() throws {
        let program = try LamProgram()
        #expect(try program.fit().status == 0)
        let absolute = program.folder.path("checkpoints")
        for (steps, folder) in [(6, "./checkpoints"), (8, "checkpoints/../checkpoints/"), (10, absolute)] {
            let text = LamProgram.tinyConfiguration.replacingOccurrences(
                of: "dirpath: checkpoints", with: "dirpath: \(folder)")
            _ = try program.folder.write(text, to: "other.yaml")
            let result = try program.run(
                "fit", "--config", "other.yaml", "--trainer.max_steps", "\(steps)", "--ckpt_path", "last")
            #expect(result.status == 0, "\(result.error)")
            #expect(try program.checkpoint().globalStep == steps)
            #expect(!program.exists("checkpoints/last-v1.ckpt"), "\(folder)")
        }
    }

    @Test("plot and report take the run that trained, not the evaluation behind it, and show that in it")
    func evaluations() throws {
        let program = try LamProgram()
        #expect(try program.fit("--data.val_fraction", "0.2").status == 0)
        let evaluated = try program.run(
            "validate", "--config", "config.yaml", "--data.val_fraction", "0.2", "--ckpt_path", "last")
        #expect(evaluated.status == 0, "\(evaluated.error)")
        #expect(program.exists("logs/tiny/version_1/metrics.json"))
        let plotted = try program.run("plot", "logs/tiny", "-o", "curves.png")
        #expect(plotted.status == 0, "\(plotted.error)")
        let picture = try PNGImage(png: [UInt8](Data(contentsOf: program.folder.url("curves.png"))))
        // Curves in the first run's colour, smooth at their edges.
        let blue = stride(from: 0, to: picture.pixels.count, by: 3).count {
            picture.pixels[$0] == 0x1F && picture.pixels[$0 + 1] == 0x6F && picture.pixels[$0 + 2] == 0xB4
        }
        #expect(blue > 500, "\(blue) pixels")
        #expect(try program.run("plot", "logs/tiny", "-o", "curves.jpg").status == 2)
        #expect(try program.run("report", "logs/tiny", "--output", ".").status == 0)
        let html = try String(contentsOf: program.folder.url("report.html"), encoding: .utf8)
        for part in [
            "tiny/version_0", "code_0", "Action probe", "error ÷ copy", "optimiser steps",
            "What the curves tell", "What the evaluation", "version_1",
        ] {
            #expect(html.contains(part), "\(part)")
        }
    }

    @Test("keys that match no dataset, and options without effect, are said")
    func withoutEffect() throws {
        let program = try LamProgram()
        let result = try program.fit(
            "--data.image_keys", "{toto_pusj_lf_v21: top}", "--data.fps", "{toto: 5}", "--data.window_seconds.kitchen",
            "0.5", "--data.flip", "{toto/nowhere: both}", "--data.split_at_cuts", "true", "--data.exclude_episodes",
            "{kitchen: [1]}", "--data.filter_key", "{toto: valid}")
        #expect(result.status == 0, "\(result.error)")
        for part in [
            "data.image_keys: toto_pusj_lf_v21: no effect", "did you mean toto_push_lf_v21?",
            "data.fps: no effect on toto_push_lf_v21: a LeRobot dataset tells its own rate",
            "data.window_seconds: kitchen: no effect", "data.flip: toto/nowhere: no effect",
            "data.split_at_cuts: no effect", "data.exclude_episodes: kitchen: no effect",
            "data.filter_key: no effect on toto_push_lf_v21",
        ] {
            #expect(result.error.contains(part), "\(part): \(result.error)")
        }
        #expect(try program.fit().error.isEmpty)
    }

    @Test("a folder that is no dataset is said to be none; of a mistyped one the nearest is named")
    func datasets() throws {
        let program = try LamProgram()
        try FileManager.default.createDirectory(at: program.folder.url("empty"), withIntermediateDirectories: true)
        let empty = try program.run("inspect", "empty")
        #expect(empty.status == 3 && empty.error.hasPrefix("error: no dataset: "), "\(empty.error)")
        #expect(empty.error.contains("HDF5 files, videos") && !empty.error.contains("download"), "\(empty.error)")
        let mistyped = try program.fit("--data.dataset_mix", "[[toto_push_lf_v12, 1]]")
        #expect(mistyped.status == 3 && mistyped.error.contains("did you mean toto_push_lf_v21?"), "\(mistyped.error)")
        let camera = try program.fit("--data.image_keys", "{toto: observation.image.cam_heigh}")
        #expect(camera.status == 3 && camera.error.contains("expected one of"), "\(camera.error)")
    }

    @Test("where there is no such host the hub is given up at once, with what was tried before")
    func unknownHost() throws {
        let program = try LamProgram()
        let started = ContinuousClock.now
        let result = try program.fit(
            afterShell: "export HF_ENDPOINT=http://nowhere.invalid HF_HOME=home", "--data.dataset_mix", "[[me/arm, 1]]")
        #expect(result.status == 3 && result.error.contains("looked for at"), "\(result.error)")
        #expect(result.error.contains("hub not reachable: http://nowhere.invalid"), "\(result.error)")
        // Not after eight attempts with pauses of up to a minute.
        #expect(ContinuousClock.now - started < .seconds(60))
    }

    @Test("a conversion keeps the licence, the card and other files of the dataset's folder")
    func documents() throws {
        let program = try LamProgram()
        try FileManager.default.copyItem(
            at: Goldens.url("datasets/toto_push_lf_v21"), to: program.folder.url("source"))
        for name in ["LICENSE", "README.md", "calibration.bin"] {
            _ = try program.folder.write("\(name) of the source", to: "source/\(name)")
        }
        #expect(try program.run("convert", "source", "out", "--format", "v3.0").status == 0)
        for name in ["LICENSE", "README.md", "calibration.bin"] {
            let kept = try String(contentsOf: program.folder.url("out/\(name)"), encoding: .utf8)
            #expect(kept == "\(name) of the source")
        }
    }

    @Test("labels merged into a copy of an older version say how newer readers get at them")
    func mergedVersion() throws {
        let program = try LamProgram()
        #expect(try program.fit().status == 0)
        let result = try program.run(
            "predict", "--config", "config.yaml", "--ckpt_path", "last", "--merge", "labelled")
        #expect(result.status == 0, "\(result.error)")
        let command = try #require(result.error.firstMatch(of: /lam (convert \S+) DEST (--format v3.0)/)?.output)
        let again = try program.run("\(command.1) out \(command.2)".split(separator: " ").map(String.init))
        #expect(again.status == 0 && program.exists("out/meta/info.json"), "\(again.error)")
        let newer = try program.run(
            "predict", "--config", "config.yaml", "--ckpt_path", "last", "--merge", "newer", "--merge-format", "v3.0")
        #expect(newer.status == 0 && !newer.error.contains("for LeRobot 0.4"), "\(newer.error)")
        let info = try String(contentsOf: program.folder.url("newer/toto_push_lf_v21/meta/info.json"), encoding: .utf8)
        #expect(info.contains("\"v3.0\"") && info.contains("latent_action"))
        #expect(!program.files().contains { $0.contains("partial") || $0.contains(".source") })
        #expect(try program.run("predict", "--merge-format", "v3.0").status == 2)
    }

    @Test("the manual has every command and key, and a formatter takes it without a word")
    func manual() throws {
        let program = try LamProgram()
        let page = try program.run("manual")
        #expect(page.status == 0 && page.output.hasPrefix(".TH LAM 1"))
        for part in [".SS lam fit", ".SS lam bench vae", "trainer.max_steps", "data.dataset_mix", "fail\\-on"] {
            #expect(page.output.contains(part), "\(part)")
        }
        #expect(!page.output.contains("hdf5\\-reader"))
        for shell in ["bash", "zsh", "fish"] {
            let script = try program.run("--generate-completion-script", shell)
            #expect(script.status == 0 && script.output.contains("extract-latents"), "\(shell)")
            #expect(script.output.contains("trainer.max_steps") && script.output.contains("ckpt_path"), "\(shell)")
        }
    }

    @Test("the shell completes dotted keys of the commands that take them, and of no others")
    func completion() throws {
        let program = try LamProgram()
        _ = try program.folder.write(
            program.run("--generate-completion-script", "bash").output
                + """
                for command in fit predict inspect; do
                    COMP_WORDS=(lam "$command" --trainer.max_s) COMP_CWORD=2 COMP_LINE="lam $command --trainer.max_s"
                    COMP_POINT=${#COMP_LINE} COMPREPLY=()
                    _lam lam --trainer.max_s "$command"
                    echo "$command: ${COMPREPLY[*]}"
                done

                """, to: "complete.sh")
        let result = try program.run([], inShell: "bash complete.sh")
        let lines = result.output.split(separator: "\n")
        #expect(lines == ["fit: --trainer.max_steps", "predict: --trainer.max_steps", "inspect: "], "\(result.error)")
    }
}
