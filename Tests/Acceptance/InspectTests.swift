import Foundation
import TestSupport
import Testing

/// `lam inspect` as a user runs it.
@Suite struct InspectTests {
    private func inspect(_ arguments: String...) throws -> (status: Int32, output: String, error: String) {
        let process = Process()
        // The program lies beside the test bundle.
        process.executableURL = Bundle.main.bundleURL.appendingPathComponent("lam")
        process.arguments = ["inspect"] + arguments
        let output = Pipe()
        let error = Pipe()
        process.standardOutput = output
        process.standardError = error
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        let message = try error.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (
            process.terminationStatus, String(decoding: text, as: UTF8.self), String(decoding: message, as: UTF8.self)
        )
    }

    private func dataset(_ name: String) -> String { Goldens.url("datasets/\(name)").path }

    @Test("a sound dataset is described and exits with 0")
    func sound() throws {
        let result = try inspect(dataset("droid_push_v30"), "--verify")
        #expect(result.status == 0)
        #expect(result.error.isEmpty)
        for part in ["LeRobot v3.0", "30 frames/s", "15 to 20 frames", "observation.images.exterior_1_left", "av1"] {
            #expect(result.output.contains(part), "\(part)")
        }
        #expect(result.output.contains("Verified: all 621 rows read, 621 frames decoded."))
        #expect(!result.output.contains("\u{1B}"), "no escape codes in a pipe")
    }

    @Test("pairs are drawn as PNG alone, so a file of another name is refused before any work")
    func pairsName() throws {
        let result = try inspect("nowhere", "--pairs", "pairs.jpg")
        #expect(result.status == 2 && result.error.contains("ends in .png"), "\(result.error)")
    }

    @Test("frames that are not square are said to be cut")
    func squares() throws {
        let result = try inspect(dataset("g1_inspire_v21_subset"))
        #expect(result.output.contains("a model sees squares: 25 % are cut off"), "\(result.output)")
    }

    @Test("a broken dataset exits with 3 and one line that names the file")
    func broken() throws {
        let result = try inspect(dataset("bad/broken_jsonl_v21"))
        #expect(result.status == 3)
        #expect(result.error.contains("meta/episodes.jsonl:3:"))
        #expect(result.error.split(separator: "\n").count == 1)
    }

    @Test("a video that is too short by its header is found at once")
    func short() throws {
        let result = try inspect(dataset("bad/video_short_v21"))
        #expect(result.status == 3)
        #expect(result.error.contains("episode 0: expected") && result.error.contains("episode_000000.mp4, got 12"))
    }

    @Test("--verify finds what only decoding shows")
    func verify() throws {
        #expect(try inspect(dataset("bad/truncated_video_v30")).status == 0)
        let result = try inspect(dataset("bad/truncated_video_v30"), "--verify")
        #expect(result.status == 3)
        #expect(result.error.contains("episode 1, frame 77"))
    }

    @Test("--json prints one object, with the error in it if there is one")
    func json() throws {
        struct Output: Decodable {
            struct Report: Decodable {
                let codebase_version: String
                let total_frames: Int
            }
            let dataset: Report?
            let error: String?
        }
        let good = try inspect(dataset("push_default_v30"), "--json", "--camera", "observation.images.wrist")
        let report = try JSONDecoder().decode(Output.self, from: Data(good.output.utf8))
        #expect(report.dataset?.codebase_version == "v3.0")
        #expect(report.dataset?.total_frames == 523)
        let bad = try inspect(dataset("bad/fps_zero_v30"), "--json")
        #expect(bad.status == 3)
        #expect(try JSONDecoder().decode(Output.self, from: Data(bad.output.utf8)).error?.contains("fps") == true)
    }

    @Test("an unknown camera is answered with the list of cameras")
    func camera() throws {
        let result = try inspect(dataset("push_default_v30"), "--camera", "front")
        #expect(result.status == 3)
        #expect(result.error.contains("observation.images.top, observation.images.wrist"))
    }
}
