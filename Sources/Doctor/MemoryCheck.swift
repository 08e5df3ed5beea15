import Foundation

/// Memory that a run may take.
enum MemoryCheck {
    private static let gibibyte = Double(1 << 30)
    /// What `config/quickstart.yaml` takes, about, and what a small model of pixels of a user's own takes.
    private static let least = 0.4, comfortable = 2.0

    static func findings() -> [Finding] {
        func kilobytes(_ name: String) -> Double? {
            SystemFile.field(name, of: "/proc/meminfo")?.split(separator: " ").first.flatMap { Double($0) }
        }
        guard let total = kilobytes("MemTotal"), var available = kilobytes("MemAvailable") else {
            return [.warning("memory", "the system does not tell", remedy: "look at it with free -h")]
        }
        var limit = ""
        if let bound = SystemFile.text("/sys/fs/cgroup/memory.max").flatMap({ Double($0) }) {
            let used = SystemFile.text("/sys/fs/cgroup/memory.current").flatMap { Double($0) } ?? 0
            available = min(available, max(0, bound - used) / 1024)
            limit = String(format: ", %.1f GiB allowed by the container", bound / gibibyte)
        }
        let free = available * 1024 / gibibyte
        let found = String(format: "%.1f GiB free of %.1f GiB", free, total * 1024 / gibibyte) + limit
        if free < least {
            return [.broken("memory", found, remedy: "end other programs: the smallest model takes \(least) GiB")]
        }
        guard free >= comfortable else {
            return [
                .warning("memory", found, remedy: "keep to a small model and batch; lam estimate says what one takes")
            ]
        }
        return [.ok("memory", found)]
    }
}
