import Accelerator
import BackendConformance
import Foundation
import PJRT
import Tensor

/// `DeviceCheck PLUGIN [--small] [--json FILE]`: whether a device computes what it should, and how fast. Needs nothing of this
/// repository but this program; see `scripts/device-check.sh`.
@main
struct DeviceCheck {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        let isSmall = arguments.contains("--small")
        let json = arguments.firstIndex(of: "--json").flatMap {
            arguments.dropFirst($0 - arguments.startIndex + 1).first
        }
        guard let path = arguments.first, !path.hasPrefix("--") else {
            say("usage: DeviceCheck PLUGIN [--small] [--json FILE]")
            exit(2)
        }
        do {
            let client = try Client(Plugin(path: path))
            say("\(client.platform), \(client.platformVersion.prefix(60))")
            for device in client.devices { say("device \(device.id): \(device.kind)") }
            var report = Report()
            let failures = Correctness(client).run(&report)
            try Speed(client, isSmall: isSmall).run(&report)
            if let json { try report.write(to: json) }
            say(failures == 0 ? "all correct" : "\(failures) checks failed")
            exit(failures == 0 ? 0 : 1)
        } catch {
            say("\(error)")
            exit(2)
        }
    }
}

/// Writes a line at once: whoever watches wants to see how far it is.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

extension Client {
    /// The first device. The plugin for CPUs is there to try this program out, and compiles quickly instead of well.
    func backend() -> RecordingBackend {
        let flags: [String: OptionValue] = [
            "xla_backend_optimization_level": .integer(0), "xla_cpu_use_fusion_emitters": .boolean(false),
        ]
        let options = CompileOptions(flags: platform == "cpu" ? flags : [:])
        return RecordingBackend(self, settings: CompilationSettings(options: options))
    }
}

/// Lines of the table, which are also the file's.
struct Report {
    private var lines: [[String: Double]] = []
    private var names: [String] = []

    mutating func add(_ name: String, _ values: [(key: String, value: Double)]) {
        names.append(name)
        lines.append(Dictionary(uniqueKeysWithValues: values))
        let text = values.map { String(format: "%@ %.4g", $0.key, $0.value) }.joined(separator: ", ")
        say("\(name.padding(toLength: 34, withPad: " ", startingAt: 0)) \(text)")
    }

    func write(to path: String) throws {
        let objects = zip(names, lines).map { name, values in ["name": name, "values": values] as [String: Any] }
        try JSONSerialization.data(withJSONObject: objects, options: [.prettyPrinted, .sortedKeys])
            .write(to: URL(fileURLWithPath: path))
    }
}
