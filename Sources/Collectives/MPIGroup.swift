import Foundation

/// The processes that an MPI launcher has started.
///
/// A thread of its own makes all MPI calls: it moves transfers on while the process computes, and notices when ranks do
/// not come.
public final class MPIGroup: ProcessGroup, @unchecked Sendable {
    // SAFETY: everything mutable is in `state`, which `lock` guards; the communication thread's own data are its own.
    public let rank: Int
    public let size: Int
    public let hosts: [String]
    private let thread: CommunicationThread

    /// How long a failing rank listens whether one of lower rank fails as well, in seconds.
    private static let failureWindow = 0.3
    /// How long the launcher has to end this process, in seconds.
    private static let abortPatience = 5.0
    /// Elements of a transfer: MPI counts bytes in 32 bits.
    public static let largestTransfer = 1 << 28

    /// Starts MPI. Once per process.
    init() throws(CollectiveError) {
        thread = CommunicationThread()
        (rank, size) = try thread.start()
        let name = ProcessInfo.processInfo.hostName
        let transfer = thread.submitGather([UInt8](name.utf8))
        try thread.wait(transfer, for: "start")
        hosts = transfer.gathered.map { String(decoding: $0, as: UTF8.self) }
        thread.hosts = hosts
    }

    public var timeout: Double {
        get { thread.timeout }
        set { thread.timeout = newValue }
    }

    public var communicationSeconds: Double { thread.communicationSeconds }

    public func allGather(_ bytes: [UInt8], for purpose: String) throws(CollectiveError) -> [[UInt8]] {
        let transfer = thread.submitGather(bytes)
        try thread.wait(transfer, for: purpose)
        return transfer.gathered
    }

    public func startSum(
        _ values: UnsafeMutableBufferPointer<Float>, wire: WireFormat, gathers: Bool
    ) -> Transfer {
        precondition(values.count <= Self.largestTransfer, "a transfer of \(values.count) elements")
        return thread.submitSum(values, wire: wire, sums: true, gathers: gathers)
    }

    public func startGather(_ values: UnsafeMutableBufferPointer<Float>) -> Transfer {
        precondition(values.count <= Self.largestTransfer, "a transfer of \(values.count) elements")
        return thread.submitSum(values, wire: .f32, sums: false, gathers: true)
    }

    public func wait(_ transfer: Transfer, for purpose: String) throws(CollectiveError) {
        try thread.wait(transfer, for: purpose)
    }

    public func fail(status: Int32, report: () -> Void) -> Never {
        if thread.announceFailure(status: status, window: Self.failureWindow) {
            report()
            thread.abort(status: status)
        }
        // The launcher ends all ranks, this one, too; not so if its own connections are gone.
        Thread.sleep(forTimeInterval: Self.abortPatience)
        _exit(status)
    }

    public func finish() throws(CollectiveError) {
        try barrier(for: "end of the run")
        thread.finish()
    }
}
