import CMPI

/// Gives every rank the bytes of all: first how many each has, then these. One at a time.
final class GatherJob {
    let transfer: Transfer
    private let rank: Int
    private let size: Int
    private let own: UnsafeMutableBufferPointer<UInt8>
    /// Bytes of each rank, then where they begin.
    private let counts: UnsafeMutableBufferPointer<Int32>
    private let offsets: UnsafeMutableBufferPointer<Int32>
    private let one: UnsafeMutableBufferPointer<Int32>
    private var all = UnsafeMutableBufferPointer<UInt8>(start: nil, count: 0)
    private var request: MPIRequest?
    private var hasCounts = false

    init(_ bytes: [UInt8], rank: Int, size: Int, transfer: Transfer) {
        precondition(bytes.count <= Int32.max / Int32(size), "\(bytes.count) bytes of each of \(size) ranks")
        (self.rank, self.size, self.transfer) = (rank, size, transfer)
        // SAFETY: MPI reads and writes these while requests are under way, so they must not move; freed in deinit.
        own = .allocate(capacity: bytes.count)
        _ = own.initialize(from: bytes)
        counts = .allocate(capacity: size)
        offsets = .allocate(capacity: size)
        one = .allocate(capacity: size)
        one.initialize(repeating: Int32(MemoryLayout<Int32>.size))
        counts.initialize(repeating: 0)
        for place in 0..<size { offsets.initializeElement(at: place, to: Int32(place * MemoryLayout<Int32>.size)) }
        counts[rank] = Int32(bytes.count)
    }

    deinit {
        own.deallocate()
        counts.deallocate()
        offsets.deallocate()
        one.deallocate()
        all.deallocate()
    }

    /// Moves on; true at the end.
    func advance() throws(CollectiveError) -> Bool {
        if request == nil {
            request = try MPIRequest("MPI_Iallgatherv", rank: rank) {
                lam_mpi_all_gather(LAM_MPI_SMALL, nil, 0, counts.baseAddress, one.baseAddress, offsets.baseAddress, $0)
            }
        }
        guard try request?.test(rank: rank) == true else { return false }
        if !hasCounts {
            hasCounts = true
            var total = 0
            for place in 0..<size {
                offsets[place] = Int32(total)
                total += Int(counts[place])
            }
            all = .allocate(capacity: total)
            all.initialize(repeating: 0)
            guard total > 0 else { return finish() }
            request = try MPIRequest("MPI_Iallgatherv", rank: rank) {
                lam_mpi_all_gather(
                    LAM_MPI_SMALL, UnsafeRawPointer(own.baseAddress) ?? UnsafeRawPointer(counts.baseAddress),
                    Int32(own.count), all.baseAddress, counts.baseAddress, offsets.baseAddress, $0)
            }
            guard try request?.test(rank: rank) == true else { return false }
        }
        return finish()
    }

    private func finish() -> Bool {
        transfer.gathered = (0..<size).map { Array(all[Int(offsets[$0])..<Int(offsets[$0]) + Int(counts[$0])]) }
        return true
    }
}
