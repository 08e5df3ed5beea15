import Configuration
import Formats

/// The records of Weights & Biases' run files, of those that a run needs. Numbers of fields: `wandb_internal.proto`, wandb 0.31.
struct WandbRecord {
    let bytes: [UInt8]

    private init(_ number: Int64, _ field: Int, _ build: (inout ProtobufEncoder) -> Void) {
        var encoder = ProtobufEncoder()
        encoder.varint(1, number)
        encoder.message(field, build)
        bytes = encoder.bytes
    }

    static func header(_ number: Int64) -> WandbRecord {
        WandbRecord(number, 21) { header in
            header.message(1) { version in
                version.string(1, "0.31.0")
                version.string(2, "0.9.0")
            }
        }
    }

    /// What a run is, by the fields of `RunRecord`.
    static func run(
        _ number: Int64, id: String, settings: WandbLoggerConfiguration, config: [(name: String, json: String)],
        host: String, start: Double
    ) -> WandbRecord {
        WandbRecord(number, 17) { run in
            run.string(1, id)
            if let entity = settings.entity { run.string(2, entity) }
            run.string(3, settings.project)
            run.message(4) { record in
                for (name, json) in config { record.message(1) { Self.item(name, json, &$0) } }
            }
            if let group = settings.group { run.string(6, group) }
            if let jobType = settings.jobType { run.string(7, jobType) }
            if let name = settings.name { run.string(8, name) }
            if let notes = settings.notes { run.string(9, notes) }
            for tag in settings.tags { run.string(10, tag) }
            run.string(13, host)
            run.message(17) { time in
                time.varint(1, Int64(start))
                time.varint(2, Int64((start - start.rounded(.down)) * 1e9))
            }
        }
    }

    /// One row of the history.
    static func history(_ number: Int64, step: Int, items: [(name: String, json: String)]) -> WandbRecord {
        WandbRecord(number, 2) { history in
            for (name, json) in items { history.message(1) { Self.item(name, json, &$0) } }
            history.message(2) { $0.varint(1, Int64(step)) }
        }
    }

    static func summary(_ number: Int64, items: [(name: String, json: String)]) -> WandbRecord {
        WandbRecord(number, 3) { summary in
            for (name, json) in items { summary.message(1) { Self.item(name, json, &$0) } }
        }
    }

    /// A file in `files` that is to be uploaded as it is.
    static func file(_ number: Int64, path: String) -> WandbRecord {
        // A picture of the history, by wandb's numbers of types.
        let media: Int64 = 2
        return WandbRecord(number, 6) { files in
            files.message(1) { file in
                file.string(1, path)
                file.varint(3, media)
            }
        }
    }

    static func exit(_ number: Int64, runtime: Int) -> WandbRecord {
        WandbRecord(number, 18) { exit in
            exit.varint(1, 0)
            exit.varint(2, Int64(runtime))
        }
    }

    private static func item(_ name: String, _ json: String, _ item: inout ProtobufEncoder) {
        item.string(1, name)
        item.string(16, json)
    }
}
