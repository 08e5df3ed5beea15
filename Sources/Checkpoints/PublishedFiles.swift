import Formats
import Foundation
import Reports

/// Files that are to lie in a repository.
public protocol PublishedFiles {
    /// Places in the repository with those on this disk.
    var files: [(path: String, source: String)] { get }
    /// A tag for them; nil for none.
    var tag: String? { get }
}

/// A model: weights, card, and the configuration and report of its run.
public struct PublishedModel: PublishedFiles {
    public let files: [(path: String, source: String)]
    public let tag: String? = nil

    /// - Parameters:
    ///   - weights: a checkpoint, a torch file or safetensors.
    ///   - run: the run's folder; nil for none.
    ///   - evaluation: the folder of an evaluation; nil for none.
    ///   - repository: `org/name`.
    ///   - staging: a folder for what is made here.
    /// - Throws: `CheckpointError`, `ReportError`, `FormatError`.
    public init(
        weights: String, run: String?, evaluation: String?, repository: String, staging: String
    ) throws {
        let model = "\(staging)/model.safetensors"
        let done = try CheckpointConversion(from: weights, to: model, overwrites: true)
        var files = [("model.safetensors", model)]
        if let run {
            let report = try RunReport(path: run, evaluation: evaluation)
            try report.write(to: "\(staging)/report.html")
            files.append(("report.html", "\(staging)/report.html"))
            let configuration = "\(report.directory)/\(RunRecord.configurationName)"
            if FileManager.default.fileExists(atPath: configuration) { files.append(("config.yaml", configuration)) }
        }
        let metrics = try evaluation.map { try EvaluationRecord.metrics(in: $0) } ?? []
        let card = Self.card(repository, tensors: done.tensors, metrics: metrics, names: files.map(\.0))
        try AtomicFile.write(Array(card.utf8), to: "\(staging)/README.md")
        files.append(("README.md", "\(staging)/README.md"))
        self.files = files
    }

    /// The model card, with the hub's metadata in front.
    private static func card(
        _ repository: String, tensors: Int, metrics: [(name: String, value: Double)], names: [String]
    ) -> String {
        let name = repository.split(separator: "/").last.map(String.init) ?? repository
        let table =
            metrics.isEmpty
            ? "It has not been evaluated.\n"
            : "On held-out episodes:\n\n| metric | value |\n| --- | --- |\n"
                + metrics.map { "| `\($0.name)` | \($0.value.formatted4) |\n" }.joined()
        let configuration = names.contains("config.yaml") ? " --config config.yaml" : " --config YOUR.yaml"
        return """
            ---
            library_name: lam
            pipeline_tag: robotics
            tags:
            - latent-action-model
            - robotics
            ---

            # \(name)

            A latent action model, trained with `lam`: it describes what happens between two frames of a video by a few codes.
            `model.safetensors` holds \(tensors) tensors under their names in the checkpoint.

            \(table)
            ## Use

            ```
            lam convert-checkpoint model.safetensors model.ckpt
            lam predict\(configuration) --ckpt_path model.ckpt
            ```

            """
    }
}

/// A LeRobot dataset: its files, with a card where it has none.
public struct PublishedDataset: PublishedFiles {
    public let files: [(path: String, source: String)]
    /// LeRobot looks a dataset's version up by this tag.
    public let tag: String?

    /// - Parameters:
    ///   - folder: that has `meta/info.json`.
    ///   - staging: a folder for what is made here.
    /// - Throws: `FormatError` of the disk.
    public init(folder: String, staging: String) throws {
        var isFolder: ObjCBool = false
        let names = (FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []).sorted()
        var files = names.filter { name in
            // Hidden files are of tools on this machine.
            !name.split(separator: "/").contains { $0.hasPrefix(".") }
                && FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder)
                && !isFolder.boolValue
        }.map { ($0, "\(folder)/\($0)") }
        let info = FileManager.default.contents(atPath: "\(folder)/meta/info.json") ?? Data()
        let version = (try? JSONSerialization.jsonObject(with: info) as? [String: Any])?["codebase_version"] as? String
        tag = version
        if !names.contains("README.md") {
            let name = URL(fileURLWithPath: folder).lastPathComponent
            let path = "\(staging)/README.md"
            try AtomicFile.write(Array(Self.card(name, version: version).utf8), to: path)
            files.append(("README.md", path))
        }
        self.files = files
    }

    private static func card(_ name: String, version: String?) -> String {
        """
        ---
        task_categories:
        - robotics
        tags:
        - LeRobot
        configs:
        - config_name: default
          data_files: data/*/*.parquet
        ---

        # \(name)

        A LeRobot dataset\(version.map { " of version \($0)" } ?? ""), uploaded with `lam`. `meta/info.json` says what is in it.

        """
    }
}
