import Configuration
import Foundation
import TestSupport
import Testing

/// `lam init`, `lam estimate` and `lam doctor`: from a dataset to a run.
@Suite struct StartTests {
    private let toto = Goldens.url("datasets/toto_push_lf_v21").path

    @Test("init writes a configuration that fit trains at once, and does not replace one")
    func firstRun() throws {
        let program = try LamProgram()
        let start = ["init", toto, "--minutes", "0.05", "--seconds", "1"]
        let written = try program.run(start)
        #expect(written.status == 0, "\(written.error)")
        let text = try String(contentsOf: program.folder.url("lam.yaml"), encoding: .utf8)
        #expect(text.contains("# toto_push_lf_v21: LeRobot v2.1, 6 episodes, 222 frames at 5 fps"))
        #expect(text.contains("a pair spans 3 to 5 frames, 0.4 to 0.8 s"))
        let fit = try FitArguments.parse(arguments: ["--config", program.folder.path("lam.yaml")])
        #expect(fit.notices == [] && fit.configuration.trainer.maxSteps == 200)
        #expect(text.contains("# what 00:03 allow here, or more: 200 show that it works"))
        #expect(written.error.contains("note: 200 steps are few") && written.error.contains("--minutes "))

        let again = try program.run(start)
        #expect(again.status == 2 && again.error.contains("--overwrite"))
        let nowhere = try program.run("init", "nowhere", "-o", "no/such/lam.yaml")
        #expect(nowhere.status == 2 && nowhere.error.contains("/no/such, found none"), "before any work")
        let run = try program.run("fit", "--config", "lam.yaml", "--trainer.max_steps", "1", "--data.batch_size", "2")
        #expect(run.status == 0, "\(run.error)")
        #expect(run.output.contains("estimate: at least"))
        #expect(program.exists("logs/toto_push_lf_v21/last.ckpt"))
    }

    @Test("init takes a camera that stands still where there are several, and says which others there are")
    func cameras() throws {
        let program = try LamProgram()
        let dataset = Goldens.url("datasets/g1_inspire_v21_subset").path
        let written = try program.run(["init", dataset, toto, "-o", "two.yaml", "--minutes", "0.05", "--seconds", "1"])
        #expect(written.status == 0, "\(written.error)")
        let configuration = try FitArguments.parse(arguments: ["--config", program.folder.path("two.yaml")])
            .configuration
        let stream = configuration.data.stream
        #expect(stream.datasetMix.map(\.name) == ["g1_inspire_v21_subset", "toto_push_lf_v21"])
        let none = try program.run("init", "nowhere", "-o", "none.yaml")
        #expect(none.status == 3 && none.error.contains("nowhere") && !program.exists("none.yaml"))
    }

    @Test("a missing video does not keep inspect and init from the rest")
    func missingVideo() throws {
        let program = try LamProgram()
        try FileManager.default.copyItem(atPath: toto, toPath: program.folder.path("arm"))
        let video = try #require(program.files().first { $0.hasSuffix("episode_000002.mp4") })
        try FileManager.default.removeItem(at: program.folder.url(video))
        let seen = try program.run("inspect", "arm")
        #expect(seen.status == 3 && seen.output.contains("6 (222 frames"), "\(seen.output)")
        #expect(seen.output.contains("1 of 6 videos") && seen.output.contains("Not sound"), "\(seen.output)")
        #expect(!seen.output.contains("Sound:") && seen.error.split(separator: "\n").count == 1)
        #expect(seen.error.contains(video) && seen.error.contains("download it again"), "\(seen.error)")
        let written = try program.run("init", "arm", "--minutes", "0.05", "--seconds", "1")
        #expect(written.status == 0, "\(written.error)")
        let text = try String(contentsOf: program.folder.url("lam.yaml"), encoding: .utf8)
        #expect(text.contains("on_bad_sample: skip") && text.contains("1 of 6 videos"), "\(text)")
        let converted = try program.run("convert", "arm", "out")
        #expect(converted.status == 3 && converted.error.contains("note: a conversion takes all episodes; --drop "))
    }

    @Test("estimate measures real steps, writes nothing, and plans for named accelerators")
    func estimate() throws {
        let program = try LamProgram()
        let before = program.files()
        let arguments = [
            "estimate", "--config", "config.yaml", "--trainer.max_steps", "100", "--seconds", "2", "--json",
        ]
        let result = try program.run(arguments + ["--accelerator", "h100"])
        #expect(result.status == 0, "\(result.error)")
        #expect(program.files() == before)
        let root = try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
        let run = try #require(root["run"] as? [String: Any])
        #expect(run["steps"] as? Int == 100 && run["samples"] as? Double == 400)
        let measured = try #require(run["measured"] as? [String: Any])
        #expect(measured["batch"] as? Int == 4 && run["isMemoryExtrapolated"] as? Bool == false)
        let seconds = try #require(run["seconds"] as? Double)
        let rates = ["samplesPerSecond", "streamSamplesPerSecond"].compactMap { measured[$0] as? Double }
        #expect(abs(seconds * (rates.min() ?? 0) - 400) < 1e-6 * 400)
        let planned = try #require(root["accelerators"] as? [[String: Any]])
        #expect(planned.compactMap { $0["count"] as? Int } == [1, 2, 4, 8])

        let clock = try program.run(
            arguments + ["--trainer.max_time", "00:00:00:01", "--trainer.max_steps", "100000000"])
        #expect(clock.output.contains("\"isEndedByClock\" : true"))
        let wrong = try program.run("estimate", "--config", "config.yaml", "--accelerator", "h10")
        #expect(wrong.status == 2 && wrong.error.contains("did you mean h100?"))
        let key = try program.run("estimate", "--config", "config.yaml", "--data.batch_sise", "2")
        #expect(key.status == 2 && key.error.contains("batch_size"))
    }

    @Test("doctor says of each part how it is, and ends with 1 where nothing can be written")
    func doctor() throws {
        let program = try LamProgram()
        let offline = "export HF_HUB_OFFLINE=1; exec \"$0\" \"$@\""
        let sound = try program.run(["doctor", "--json"], inShell: offline)
        #expect(sound.status == 0, "\(sound.output) \(sound.error)")
        let root = try #require(try JSONSerialization.jsonObject(with: Data(sound.output.utf8)) as? [String: Any])
        let findings = try #require(root["findings"] as? [[String: Any]])
        let parts = findings.compactMap { $0["what"] as? String }
        for part in ["processor", "arithmetic", "memory", "libraries", "decoders", "MPI", "hub", "log folder"] {
            #expect(parts.contains(part), "\(part)")
        }
        let decoders = findings.first { $0["what"] as? String == "decoders" }?["found"] as? String ?? ""
        for codec in ["h264", "hevc", "av1", "vp9", "mpeg4"] { #expect(decoders.contains(codec), "\(codec)") }
        #expect(program.files() == ["config.yaml"])

        let authorities = try program.run(["doctor"], inShell: "export REQUESTS_CA_BUNDLE=/nowhere; exec \"$0\" \"$@\"")
        #expect(authorities.status == 1 && authorities.output.contains("broken   hub"), "\(authorities.output)")
        #expect(authorities.output.contains("unset REQUESTS_CA_BUNDLE"))

        let unwritable = try program.run(["doctor", "--logs", "/proc/lam"], inShell: offline)
        #expect(unwritable.status == 1 && unwritable.output.contains("broken   log folder"))
    }
}
