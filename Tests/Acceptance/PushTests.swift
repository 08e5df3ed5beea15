import Foundation
import TestSupport
import Testing

/// `lam push` to a server that takes uploads as the hub does.
@Suite struct PushTests {
    private let dataset = Goldens.url("datasets/toto_push_lf_v21").path

    private func push(_ server: PushServer, _ program: LamProgram, _ arguments: String...) throws -> LamProgram.Result {
        let shell = "export HF_ENDPOINT=\(server.endpoint) HF_TOKEN=secret HF_HOME=\(program.folder.path("hf"))"
        return try program.run(["push"] + arguments, inShell: shell + "; exec \"$0\" \"$@\"")
    }

    @Test("a dataset arrives byte for byte with card and tag, and is not sent again", arguments: [nil, 1000])
    func uploadsDataset(chunk: Int?) throws {
        let server = try PushServer(token: "secret", largeSize: 4000, chunk: chunk)
        let program = try LamProgram()
        // The first attempt at a large file meets a server that is busy.
        server.fail(with: [503])
        let first = try push(server, program, dataset, "me/toto", "--private")
        #expect(first.status == 0, "\(first.error)")
        #expect(server.repository.contains("\"private\":true") && server.repository.contains("\"type\":\"dataset\""))
        let names = try FileManager.default.subpathsOfDirectory(atPath: dataset).filter { name in
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: "\(dataset)/\(name)", isDirectory: &isFolder)
            return !isFolder.boolValue
        }
        #expect(Set(server.files.keys) == Set(names).union(["README.md"]))
        for name in names {
            #expect(
                server.files[name] == FileManager.default.contents(atPath: "\(dataset)/\(name)").map { [UInt8]($0) })
        }
        #expect(server.tags == ["v2.1"])

        let sent = server.requests.count { $0.hasPrefix("PUT") }
        #expect(sent > 0)
        let second = try push(server, program, dataset, "me/toto")
        #expect(second.status == 0 && second.output.hasPrefix("0 files sent, "), "\(second.output)\(second.error)")
        #expect(server.requests.count { $0.hasPrefix("PUT") } == sent)

        server.damage("meta/info.json")
        let third = try push(server, program, dataset, "me/toto")
        #expect(third.status == 0 && third.output.hasPrefix("1 files sent, "), "\(third.output)\(third.error)")
    }

    @Test("an upload that breaks off goes on: what the storage has is not sent again")
    func goesOn() throws {
        let server = try PushServer(token: "secret", largeSize: 4000, chunk: nil)
        let program = try LamProgram()
        server.fail(with: [0, 400])
        let broken = try push(server, program, dataset, "me/toto")
        #expect(broken.status == 1 && broken.error.contains("400"), "\(broken.error)")
        #expect(server.files.isEmpty)
        #expect(try push(server, program, dataset, "me/toto").status == 0)
        let sent = server.requests.filter { $0.hasPrefix("PUT") }
        #expect(sent.count { $0 == sent[0] } == 1 && sent.count { $0 == sent[1] } == 2)
    }

    @Test("a model arrives as safetensors with card, configuration and report")
    func uploadsModel() throws {
        let server = try PushServer(token: "secret", largeSize: 4000, chunk: nil)
        let program = try LamProgram()
        #expect(try program.fit("--trainer.max_steps", "2").status == 0)
        let result = try push(server, program, "checkpoints/last.ckpt", "me/model", "--run", "logs/tiny")
        #expect(result.status == 0, "\(result.error)")
        #expect(Set(server.files.keys) == ["README.md", "config.yaml", "model.safetensors", "report.html"])
        let card = String(decoding: server.files["README.md"] ?? [], as: UTF8.self)
        #expect(card.hasPrefix("---\nlibrary_name: lam") && card.contains("# model"))
    }

    @Test("without a token, and with a wrong one, it says what to do")
    func tokens() throws {
        let server = try PushServer(token: "other", largeSize: 4000, chunk: nil)
        let program = try LamProgram()
        let wrong = try push(server, program, dataset, "me/toto")
        #expect(wrong.status == 1 && wrong.error.contains("HF_TOKEN"), "\(wrong.error)")
        let shell = "unset HF_TOKEN; export HF_HOME=\(program.folder.path("hf")); exec \"$0\" \"$@\""
        let none = try program.run(["push", dataset, "me/toto"], inShell: shell)
        #expect(none.status == 2 && none.error.contains("HF_TOKEN"), "\(none.error)")
    }
}
