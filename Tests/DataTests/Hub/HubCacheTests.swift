import Foundation
import LAMData
import TestSupport
import Testing

@Suite struct HubCacheTests {
    @Test(
        "the cache lies where the variables say, as huggingface_hub reads them",
        arguments: [
            (["HOME": "/h"], "/h/.cache/huggingface/hub"),
            (["HOME": "/h", "XDG_CACHE_HOME": "/x"], "/x/huggingface/hub"),
            (["HOME": "/h", "XDG_CACHE_HOME": "/x", "HF_HOME": "~/hf/"], "/h/hf/hub"),
            (["HOME": "/h", "HF_HOME": "/hf", "HUGGINGFACE_HUB_CACHE": "/old"], "/old"),
            (["HOME": "/h", "HUGGINGFACE_HUB_CACHE": "/old", "HF_HUB_CACHE": "~/new"], "/h/new"),
            (["HOME": "/h", "HF_HUB_CACHE": "", "HF_HOME": ""], "/h/.cache/huggingface/hub"),
        ])
    func places(_ environment: [String: String], _ root: String) {
        #expect(HubCache(environment: environment).root == root)
    }

    @Test("a file is found through its revision's reference and the snapshot's link")
    func found() throws {
        let folder = try HubCacheFolder()
        let cache = HubCache(environment: folder.environment)
        let weights = try folder.add("model.safetensors", to: "models--google-t5--t5-base")
        let old = "f" + HubCacheFolder.commit.dropFirst()
        let older = try folder.add(
            "onnx/model.onnx", to: "models--google-t5--t5-base", revision: "refs/pr/7", commit: String(old))
        let legacy = try folder.add("spiece.model", to: "models--t5-base")
        let info = try folder.add("meta/info.json", to: "datasets--lerobot--pusht", revision: "v2.1")
        func path(_ file: String, _ text: String, _ kind: HubRepository.Kind = .model) throws -> String {
            try cache.path(of: file, in: HubRepository(text, kind: kind))
        }
        #expect(try path("model.safetensors", "google-t5/t5-base") == weights)
        #expect(try path("model.safetensors", "google-t5/t5-base@\(HubCacheFolder.commit)") == weights)
        #expect(try path("onnx/model.onnx", "google-t5/t5-base@refs/pr/7") == older)
        #expect(try path("onnx/model.onnx", "google-t5/t5-base@\(old)") == older)
        #expect(try path("spiece.model", "t5-base") == legacy)
        #expect(try path("meta/info.json", "lerobot/pusht@v2.1", .dataset) == info)
        #expect(try String(contentsOfFile: legacy, encoding: .utf8) == "content")
    }

    @Test("a missing file is told with the place that was looked at and the command that downloads it")
    func missing() throws {
        let folder = try HubCacheFolder()
        let cache = HubCache(environment: folder.environment)
        let root = folder.folder.root.path
        try folder.add("config.json", to: "models--org--name")
        func expectMissing(_ file: String, _ repository: HubRepository, _ place: String, _ command: String) throws {
            let error = #expect(throws: DataError.self) { try cache.path(of: file, in: repository) }
            #expect(
                error == .missingHubFile(repository: repository, file: file, lookedFor: "\(root)/\(place)"))
            #expect(error?.description.contains("`\(command)`") == true)
        }
        try expectMissing(
            "a.bin", HubRepository("other/name"), "models--other--name", "hf download other/name a.bin")
        try expectMissing(
            "a.bin", HubRepository("org/name@v9"), "models--org--name/refs/v9",
            "hf download org/name a.bin --revision v9")
        try expectMissing(
            "a.bin", HubRepository("org/name"), "models--org--name/snapshots/\(HubCacheFolder.commit)/a.bin",
            "hf download org/name a.bin")
        try expectMissing(
            "meta/info.json", HubRepository("org/name", kind: .dataset), "datasets--org--name",
            "hf download org/name meta/info.json --repo-type dataset")
    }

    @Test("dangling links, references to nothing and files without content are told apart")
    func damaged() throws {
        let folder = try HubCacheFolder()
        let cache = HubCache(environment: folder.environment)
        let repository = try HubRepository("org/name")
        let dangling = try folder.add("dangling.bin", to: "models--org--name", isDangling: true)
        try folder.add("empty.bin", to: "models--org--name", content: "")
        try folder.add(
            "pointer.bin", to: "models--org--name",
            content: "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
        let error = #expect(throws: DataError.self) { try cache.path(of: "dangling.bin", in: repository) }
        #expect(error?.description.contains(dangling) == true && error?.description.contains("blobs") == true)
        #expect(throws: DataError.self) { try cache.path(of: "empty.bin", in: repository) }
        #expect { try cache.path(of: "pointer.bin", in: repository) } throws: { error in
            if case DataError.lfsPointer = error { true } else { false }
        }
        for content in ["../../..", "main", String(repeating: "a", count: 5000), "\u{FFFD}"] {
            _ = try folder.folder.write(content, to: "models--org--name/refs/main")
            #expect { try cache.path(of: "dangling.bin", in: repository) } throws: { error in
                if case DataError.damagedHubCache = error { true } else { false }
            }
        }
    }

    @Test("names that are none, or that lead out of the cache, are refused")
    func names() throws {
        for text in [
            "", "/", "a/b/c", "../x", "org/..", "org/", "/name", "org/na me", "org/a--b", "org/.hidden", "org/name-",
            "org/näme", "org/name@", "org/name@../../x", "org/name@/x", "org/name@a//b", "org/name@a\nb",
            String(repeating: "x", count: 97),
        ] {
            #expect(throws: DataError.self, "\(text)") { try HubRepository(text) }
        }
        let cache = HubCache(root: "/nowhere")
        for file in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/.", "a\0b", "a b"] {
            #expect { try cache.path(of: file, in: HubRepository("org/name")) } throws: { error in
                if case DataError.invalidHubName = error { true } else { false }
            }
        }
        #expect(try HubRepository("timm/vit_base_patch16_dinov3.lvd1689m").revision == "main")
    }
}
