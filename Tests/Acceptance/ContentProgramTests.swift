import Foundation
import TestSupport
import Testing

/// `lam inspect --content`, as a user has it.
@Suite("Checks of content, by command") struct ContentProgramTests {
    @Test("write a page that stands alone, and a file for data.exclude_episodes")
    func outputs() throws {
        let folder = try TemporaryFolder()
        let dataset = Goldens.url("datasets/toto_push_lf_v21").path
        let (page, list) = (folder.path("page.html"), folder.path("episodes.json"))
        let run = try LamProgram().run(["inspect", dataset, "--content", "--html", page, "--exclude-file", list])
        #expect(run.status == 0, "\(run.error)")
        #expect(run.output.contains("blurred"), "\(run.output)")
        let html = try String(contentsOfFile: page, encoding: .utf8)
        #expect(html.contains("toto_push_lf_v21") && html.contains("default-src 'none'") && !html.contains("<script"))
        let lists = try JSONDecoder().decode([String: [Int]].self, from: Data(contentsOf: URL(fileURLWithPath: list)))
        #expect(Array(lists.keys) == ["toto_push_lf_v21"])
    }

    @Test("are asked for before what goes with them", arguments: ["--html", "--exclude-file", "--fail-on"])
    func usage(option: String) throws {
        let run = try LamProgram().run(["inspect", Goldens.url("datasets/toto_push_lf_v21").path, option, "cut"])
        #expect(run.status == 2 && run.error.contains("go with --content"), "\(run.error)")
    }
}
