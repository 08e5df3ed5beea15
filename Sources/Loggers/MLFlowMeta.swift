import Configuration
import Formats
import Foundation

/// An experiment of MLflow's file store.
struct MLFlowExperiment {
    let id: String

    /// The experiment of a name, made where there is none.
    static func named(_ name: String, in store: String, now: Date) throws -> MLFlowExperiment {
        if let id = find(name, in: store) { return MLFlowExperiment(id: id) }
        // As MLflow draws them: many digits, so that two stores can be joined.
        let id = String(UInt64.random(in: 100_000_000_000_000_000..<1_000_000_000_000_000_000))
        let folder = "\(store)/\(id)"
        try Folder.create(folder)
        let time = Int(now.timeIntervalSince1970 * 1000)
        let meta: ConfigValue = .map([
            "artifact_location": .string("file://\(folder)"), "creation_time": .int(time),
            "experiment_id": .string(id), "last_update_time": .int(time), "lifecycle_stage": .string("active"),
            "name": .string(name),
        ])
        try AtomicFile.write(Array(YAMLWriter.document(meta).utf8), to: "\(folder)/meta.yaml")
        return MLFlowExperiment(id: id)
    }

    /// The id of the experiment of a name; nil for none.
    static func find(_ name: String, in store: String) -> String? {
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: store)) ?? []
        return folders.sorted().first { folder in
            guard let bytes = FileManager.default.contents(atPath: "\(store)/\(folder)/meta.yaml"),
                bytes.count <= 1 << 16, let meta = try? YAMLComposer.compose([UInt8](bytes), source: .file("meta.yaml"))
            else { return false }
            return meta.value["name"] == .string(name) && meta.value["lifecycle_stage"] == .string("active")
        }
    }
}

/// What MLflow's `meta.yaml` of a run says.
struct MLFlowRunMeta {
    let experiment: String
    let id: String
    let runName: String
    let user: String
    private let artifacts: String
    private let start: Date
    var end: Date?

    init(experiment: String, id: String, name: String, artifacts: String, start: Date) {
        (self.experiment, self.id, self.artifacts, self.start) = (experiment, id, artifacts, start)
        (runName, user) = (name, NSUserName())
    }

    var yaml: String {
        func milliseconds(_ date: Date) -> ConfigValue { .int(Int(date.timeIntervalSince1970 * 1000)) }
        // MLflow's numbers of a run's state and of a source that is a program on this machine.
        let (running, finished, local) = (1, 3, 4)
        return YAMLWriter.document(
            .map([
                "artifact_uri": .string("file://\(artifacts)"), "deleted_time": .null,
                "end_time": end.map(milliseconds) ?? .null, "entry_point_name": .string(""),
                "experiment_id": .string(experiment), "lifecycle_stage": .string("active"), "run_id": .string(id),
                "run_name": .string(runName), "run_uuid": .string(id), "source_name": .string(""),
                "source_type": .int(local), "source_version": .string(""), "start_time": milliseconds(start),
                "status": .int(end == nil ? running : finished), "tags": .list([]), "user_id": .string(user),
            ]))
    }
}
