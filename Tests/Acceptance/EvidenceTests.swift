import Foundation
import TestSupport
import Testing

/// `scripts/evidence.sh`, as docs/evidence.md is made with it.
@Suite struct EvidenceTests {
    @Test("rows are trained and judged as asked, checkpoints made elsewhere too, and those of the folder are kept")
    func rows() throws {
        let program = try LamProgram()
        let script = Goldens.repository.appendingPathComponent("scripts/evidence.sh").path
        let dataset = Goldens.url("datasets/toto_push_lf_v21").path
        func table(_ options: [String]) throws -> [String] {
            let result = try program.run(
                [script, "-n", "2"] + options + [dataset, "--data.batch_size", "2"],
                inShell: "LAM=\"$0\" exec bash \"$@\"")
            #expect(result.status == 0, "\(result.error)")
            return result.output.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst(2).map(String.init)
        }
        let first = try table(["-r", "0"])
        #expect(first.count == 5 && first[0].hasPrefix("| our defaults | 2 | "))
        // Name, steps, speed, memory, codes, five of the controls, two of the probe.
        #expect(first[0].split(separator: "|").count == 12)
        #expect(first[1].hasPrefix("| first frame |") && first[4].hasPrefix("| noise |"))
        let checkpoint = program.folder.path("logs/evidence/row0/checkpoints/last.ckpt")
        let second = try table(["-r", "13", "-c", "the same again=\(checkpoint)"])
        #expect(second.count == 7 && second[0] == first[0])
        #expect(second[1].hasPrefix("| `ae` | 2 |") && second[1].contains("of 128 dimensions"))
        let (own, again) = (first[0].split(separator: "|"), second[2].split(separator: "|"))
        #expect(again[0] == " the same again " && again.suffix(8) == own.suffix(8))
    }
}
