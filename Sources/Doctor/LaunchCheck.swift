import Collectives
import Foundation

/// Several processes: MPI, a trial start of two, and what lies between machines.
struct LaunchCheck {
    let environment: [String: String]

    private static let patience = 20.0
    private static let remedy = "only runs of several processes need it: apt-get install openmpi-bin"

    func findings() -> [Finding] {
        let network = Finding.ok("interconnect", Self.interconnect)
        guard let launcher = program("mpirun") else {
            return [.warning("MPI", "\(MPILibrary.version); no mpirun on PATH", remedy: Self.remedy), network]
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: launcher)
        process.arguments = ["-q", "-n", "2", "--oversubscribe", "--bind-to", "none", "/bin/true"]
        // Open MPI refuses root, whom containers run as, without these; train.sh sets them, too.
        process.environment = environment.merging(
            ["OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"]) { $1 }
        for stream in [\Process.standardInput, \.standardOutput, \.standardError] {
            process[keyPath: stream] = FileHandle.nullDevice
        }
        do { try process.run() } catch {
            return [.warning("MPI", "\(launcher) does not start: \(error)", remedy: Self.remedy), network]
        }
        let end = Date(timeIntervalSinceNow: Self.patience)
        while process.isRunning, Date() < end { Thread.sleep(forTimeInterval: 0.02) }
        if process.isRunning { process.terminate() }
        process.waitUntilExit()
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            let found = "\(MPILibrary.version); two processes by \(launcher) did not end well"
            return [
                .warning("MPI", found, remedy: "see what mpirun -n 2 true says; one process needs no MPI"), network,
            ]
        }
        return [.ok("MPI", "\(MPILibrary.version); two processes were started"), network]
    }

    private func program(_ name: String) -> String? {
        (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Fast networks by their drivers; else the interfaces of TCP with the rate that they claim, in Mbit/s.
    private static var interconnect: String {
        let fast = SystemFile.names(in: "/sys/class/infiniband")
        if !fast.isEmpty { return "InfiniBand or RoCE: \(fast.joined(separator: ", "))" }
        let interfaces = SystemFile.names(in: "/sys/class/net").filter { $0 != "lo" }.map { name in
            let rate = SystemFile.text("/sys/class/net/\(name)/speed").flatMap { Int($0) } ?? 0
            return rate > 0 ? "\(name) at \(rate) Mbit/s" : name
        }
        return interfaces.isEmpty ? "no network: one machine only" : "TCP over \(interfaces.joined(separator: ", "))"
    }
}
