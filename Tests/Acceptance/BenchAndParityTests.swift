import Foundation
import TestSupport
import Testing

/// `lam bench` and `lam parity` as a user runs them.
@Suite struct BenchAndParityTests {
    @Test("bench data prints one JSON object and writes nothing")
    func benchData() throws {
        let program = try LamProgram()
        let result = try program.run("bench", "data", "config.yaml", "--batches", "3", "--json")
        #expect(result.status == 0, "\(result.error)")
        let object = try JSONDecoder().decode(JSONValue.self, from: Data(result.output.utf8))
        #expect(object["batches"]?.int == 3 && object["samples"]?.int == 12)
        #expect(object["bytesPerBatch"]?.int == 4 * 2 * 3 * 32 * 32)
        #expect(program.files() == ["config.yaml"])
        #expect(try program.run("bench", "data", "nowhere.yaml").status == 2)
        #expect(try program.run("bench", "data", "config.yaml", "--batches", "0").status == 2)
        _ = try program.folder.write("data: {dataset_mix: [[nowhere, 1.0]]}\n", to: "missing.yaml")
        #expect(try program.run("bench", "data", "missing.yaml").status == 3)
    }

    @Test("parity ends with 0 on the reference, with 1 on a changed copy, with 2 where there is no case")
    func parity() throws {
        let program = try LamProgram()
        let sound = try program.run("parity", Goldens.url("lam/vq").path)
        #expect(sound.status == 0, "\(sound.error)")
        #expect(sound.output.contains("within tolerance") && !sound.output.contains("MISS"))

        let copy = program.folder.url("vq")
        try FileManager.default.copyItem(at: Goldens.url("lam/vq"), to: copy)
        for file in try FileManager.default.contentsOfDirectory(at: copy, includingPropertiesForKeys: nil)
        where file.pathExtension == "safetensors" {
            var bytes = [UInt8](try Data(contentsOf: file))
            // An f32's sign and exponent at the very end of the data.
            bytes[bytes.count - 1] ^= 0x41
            try Data(bytes).write(to: file)
        }
        let changed = try program.run("parity", copy.path)
        #expect(changed.status == 1, "\(changed.output)\(changed.error)")

        #expect(try program.run("parity", program.folder.path("config.yaml")).status != 0)
        try FileManager.default.createDirectory(at: program.folder.url("empty"), withIntermediateDirectories: true)
        let none = try program.run("parity", "empty")
        #expect(none.status == 2 && none.error.contains("no case"))
    }

    @Test("a step that finds no memory ends with 1 and says what to do, without a trap")
    func memory() throws {
        let result = try LamProgram().run(
            ["bench", "engine", "--batch", "4", "--steps", "1"], inShell: "ulimit -d 1500000; exec \"$0\" \"$@\"")
        #expect(result.status == 1, "\(result.status)")
        #expect(
            result.error.contains("error: out of memory") && result.error.contains("smaller batch"), "\(result.error)")
        #expect(!result.error.contains("crashed"))
    }

    @Test("a command that does not exist ends with 2")
    func usage() throws {
        let program = try LamProgram()
        #expect(try program.run("trian").status == 2)
        #expect(try program.run("inspect").status == 2)
        #expect(try program.run("--help").status == 0)
        #expect(try program.run("fit", "--help").status == 0)
    }
}
