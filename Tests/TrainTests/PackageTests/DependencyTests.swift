import Foundation
import TestSupport
import Testing

/// The package's manifest, as SwiftPM understands it.
private struct Manifest: Decodable {
    struct Target: Decodable {
        let name: String
        let path: String?
        let dependencies: [Dependency]
    }

    /// `{"byName": ["Formats", null]}` or `{"product": ["OrderedCollections", "swift-collections", …]}`.
    struct Dependency: Decodable {
        let name: String

        init(from decoder: any Decoder) throws {
            let fields = try decoder.singleValueContainer().decode([String: [JSONValue]].self)
            name = try #require(fields.values.first?.first?.string)
        }
    }

    let targets: [Target]

    /// The manifest of this checkout; evaluated in a folder of its own, as the build folder may be locked.
    static func load() throws -> Manifest {
        let folder = try TemporaryFolder()
        let process = Process()
        let output = folder.url("dump.json")
        try Data().write(to: output)
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "swift", "package", "dump-package", "--package-path", Goldens.repository.path, "--scratch-path",
            folder.path("build"),
        ]
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "swift package dump-package failed")
        return try JSONDecoder().decode(Manifest.self, from: Data(contentsOf: output))
    }

    func direct(_ name: String) -> Set<String> {
        Set(targets.first { $0.name == name }?.dependencies.map(\.name) ?? [])
    }

    /// Everything that `name` is built on.
    func all(_ name: String) -> Set<String> {
        var found: Set<String> = []
        var open = [name]
        while let next = open.popLast() {
            for dependency in direct(next) where found.insert(dependency).inserted { open.append(dependency) }
        }
        return found
    }
}

@Suite("Dependencies")
struct DependencyTests {
    @Test("run one way: each module is built on nothing that it must not know")
    func direction() throws {
        let manifest = try Manifest.load()
        let products: Set = [
            "CLI", "Benchmarks", "Parity", "Inference", "LAMTrain", "Checkpoints", "Configuration", "Reports", "Wan",
            "WanVAE",
            "LAM", "LAMData",
        ]
        let forbidden: [String: Set<String>] = [
            "Kernels": ["Tensor"],
            "StableHLO": ["PJRT", "Tensor", "Formats"],
            "PJRT": ["StableHLO", "Tensor", "Formats"],
            "Accelerator": products.union(["NN", "Text", "CFFmpeg"]),
            "Randomness": ["Tensor", "Formats"],
            "Frozen": products.union(["NN", "Text", "CFFmpeg"]),
            "Tensor": products.union(["NN", "Text", "Formats", "Parquet", "CFFmpeg", "CYAML", "CPNG"]),
            "NN": products.union(["Text", "Formats", "CFFmpeg"]),
            "Formats": products.union(["Tensor", "NN", "Parquet", "CFFmpeg", "Kernels"]),
            "Parquet": products.union(["Tensor", "NN", "CFFmpeg", "Kernels"]),
            "Text": products.union(["NN", "CFFmpeg", "CYAML"]),
            "WanVAE": products.subtracting(["WanVAE"]).union(["NN", "Text", "CFFmpeg", "CYAML"]),
            "Wan": ["NN", "LAM", "LAMTrain", "Configuration", "CYAML"],
            "LAM": products.subtracting(["LAM"]).union(["CFFmpeg", "CYAML", "Text"]),
            "DataCore": products.union([
                "Video", "Datasets", "Hub", "HDF5", "PlainVideo", "Conversion", "Formats", "CFFmpeg",
            ]),
            "Video": products.union(["Datasets", "Hub", "HDF5", "PlainVideo", "Conversion", "Parquet"]),
            "Datasets": products.union(["Hub", "HDF5", "PlainVideo", "Conversion", "CHDF5", "CCurl"]),
            "Hub": products.union(["HDF5", "PlainVideo", "Conversion", "CHDF5"]),
            "HDF5": products.union(["Hub", "PlainVideo", "Conversion", "CCurl"]),
            "PlainVideo": products.union(["Hub", "HDF5", "Conversion", "CHDF5", "CCurl"]),
            "Conversion": products.union(["Hub", "HDF5", "PlainVideo", "Tensor", "NN"]),
            "LAMData": products.subtracting(["LAMData"]).union(["Tensor", "NN", "Kernels"]),
            "Collectives": products.union(["Tensor", "NN", "Formats"]),
            "Checkpoints": ["LAMTrain", "Loggers", "Inference", "Devices", "Wan", "Text"],
            "Configuration": ["LAMTrain", "Checkpoints", "Inference", "Reports", "Wan", "Text"],
            "Reports": products.subtracting(["Reports"]).union(["Tensor", "NN"]),
            "LAMTrain": ["CLI", "Inference", "Parity", "Benchmarks", "Wan", "WanVAE", "CBLAS"],
            "Inference": ["CLI", "Parity", "Benchmarks", "Wan"],
        ]
        for (target, unwanted) in forbidden {
            #expect(manifest.targets.contains { $0.name == target }, "there is no target \(target)")
            #expect(manifest.all(target).isDisjoint(with: unwanted), "\(target): \(manifest.all(target).sorted())")
        }
        let shipped = manifest.targets.filter { !($0.path ?? "Sources").hasPrefix("Tests") }
        func users(_ dependency: String) -> [String] {
            shipped.map(\.name).filter { manifest.direct($0).contains(dependency) && !Self.isTest($0) }
        }
        #expect(users("CFFmpeg") == ["Video"])
        #expect(users("CCurl") == ["Hub"])
        #expect(users("CHDF5") == ["HDF5"])
        #expect(users("CYAML") == ["Configuration"])
        #expect(users("CSentencePiece") == ["Text"])
        #expect(users("CBLAS") == ["Benchmarks"] && users("Kernels") == ["Tensor"])
        #expect(users("CMPI") == ["Collectives"] && users("COpenMPI") == ["CMPI"])
        #expect(Set(users("PixelKernels")) == ["Video", "Datasets", "LAMData"])
        #expect(users("CPJRT") == ["PJRT"] && users("StableHLO") == ["Accelerator"])
        #expect(users("Accelerator") == ["Devices"] && Set(users("PJRT")) == ["Accelerator", "Devices"])
        #expect(users("ArgumentParser") == ["CLI"])
        #expect(users("TestSupport").isEmpty && users("CollectivesTestSupport").isEmpty)
        #expect(users("CLI").isEmpty)
    }

    private static func isTest(_ target: String) -> Bool { target.hasSuffix("Tests") || target == "Acceptance" }

    /// The build would not notice an import of a module that is built anyway for another target.
    @Test("are declared where they are imported")
    func imports() throws {
        let manifest = try Manifest.load()
        let own = Set(manifest.targets.map(\.name)).union(["ArgumentParser", "OrderedCollections"])
        for target in manifest.targets where !Self.isTest(target.name) && target.name != "TestSupport" {
            let folder = Goldens.repository.appendingPathComponent(target.path ?? "Sources/\(target.name)")
            for (file, module) in try Self.imports(in: folder) where own.contains(module) {
                #expect(manifest.direct(target.name).contains(module), "\(file) imports \(module)")
            }
        }
    }

    @Test("on the command line stay in CLI")
    func commandLine() throws {
        let sources = Goldens.repository.appendingPathComponent("Sources")
        for (file, text) in try Self.swiftFiles(in: sources) where !file.hasPrefix("CLI/") {
            for word in ["import ArgumentParser", "CommandLine.", "ProcessInfo.processInfo.arguments"] {
                #expect(!text.contains(word), "\(file) has `\(word)`")
            }
        }
    }

    private static func imports(in folder: URL) throws -> [(file: String, module: String)] {
        try swiftFiles(in: folder).flatMap { file, text in
            text.split(separator: "\n").compactMap { line -> (String, String)? in
                let words = line.split(separator: " ")
                guard let keyword = words.firstIndex(of: "import"),
                    words[..<keyword].allSatisfy({ $0.hasPrefix("@") || $0 == "public" }),
                    let module = words.last
                else { return nil }
                return (file, String(module))
            }
        }
    }

    private static func swiftFiles(in folder: URL) throws -> [(path: String, text: String)] {
        guard let paths = FileManager.default.enumerator(atPath: folder.path) else { return [] }
        return try paths.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.map {
            ($0, try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8))
        }
    }
}
