import Foundation
import Synchronization

/// Memory of the CPU backend: 64-byte aligned, returned to its pool when the last tensor lets go of it.
final class CPUMemory: DeviceMemory, @unchecked Sendable {
    // SAFETY: `pointer` stays valid for the object's life; who may write when is the backend's business.
    let pointer: UnsafeMutableRawPointer
    private let capacity: Int
    private let pool: MemoryPool

    init(pointer: UnsafeMutableRawPointer, byteCount: Int, capacity: Int, pool: MemoryPool) {
        self.pointer = pointer
        self.capacity = capacity
        self.pool = pool
        super.init(byteCount: byteCount, of: CPUBackend.name)
    }

    deinit { pool.give(back: pointer, capacity: capacity) }
}

/// Keeps freed blocks for the next tensor of the same size class, so that a training step in steady state allocates
/// nothing and touches no fresh pages.
final class MemoryPool: Sendable {
    private struct Blocks {
        // SAFETY: pointers in the free lists belong to the pool alone.
        nonisolated(unsafe) var free: [Int: [UnsafeMutableRawPointer]] = [:]
        var reserved = 0
    }

    private let blocks = Mutex(Blocks())

    /// Above this size blocks lie on huge pages: an activation of a few MB would otherwise cost thousands of TLB
    /// misses.
    private static let hugePageSize = 2 << 20

    func allocate(byteCount: Int) -> CPUMemory {
        let capacity = Self.capacity(for: byteCount)
        let reused = blocks.withLock { blocks in
            let pointer = blocks.free[capacity]?.popLast()
            if pointer == nil { blocks.reserved += capacity }
            return pointer
        }
        let pointer = reused ?? fresh(capacity)
        return CPUMemory(pointer: pointer, byteCount: byteCount, capacity: capacity, pool: self)
    }

    /// Bytes taken from the system so far; nothing is returned to it before the pool goes.
    var reservedBytes: Int { blocks.withLock { $0.reserved } }

    func give(back pointer: UnsafeMutableRawPointer, capacity: Int) {
        blocks.withLock { $0.free[capacity, default: []].append(pointer) }
    }

    deinit { releaseFreeBlocks() }

    private func releaseFreeBlocks() {
        blocks.withLock { blocks in
            for (capacity, pointers) in blocks.free {
                for pointer in pointers { free(pointer) }
                blocks.reserved -= capacity * pointers.count
            }
            blocks.free = [:]
        }
    }

    /// Sizes are rounded up by at most an eighth, so that nearly equal tensors share blocks.
    private static func capacity(for byteCount: Int) -> Int {
        let bytes = max(byteCount, 64)
        let step = max(64, (1 << (Int.bitWidth - 1 - bytes.leadingZeroBitCount)) / 8)
        return (bytes + step - 1) / step * step
    }

    /// Memory from the system. Where it has none left, what the pool keeps for other sizes is given back first.
    private func fresh(_ capacity: Int) -> UnsafeMutableRawPointer {
        if let pointer = Self.fromSystem(capacity) { return pointer }
        releaseFreeBlocks()
        if let pointer = Self.fromSystem(capacity) { return pointer }
        endForWantOfMemory(bytes: capacity, held: reservedBytes - capacity)
    }

    private static func fromSystem(_ capacity: Int) -> UnsafeMutableRawPointer? {
        var pointer: UnsafeMutableRawPointer?
        let isHuge = capacity >= hugePageSize
        guard posix_memalign(&pointer, isHuge ? hugePageSize : 64, capacity) == 0, let pointer else { return nil }
        if isHuge { madvise(pointer, capacity, Int32(MADV_HUGEPAGE)) }
        return pointer
    }
}

/// Ends the program with status 1 and one line that says why. No operation of a step can go on without the memory of its
/// result, and nothing is lost by ending at once: what later runs read is written whole or not at all.
///
/// - Parameters:
///   - bytes: that were asked for.
///   - held: that tensors have.
private func endForWantOfMemory(bytes: Int, held: Int) -> Never {
    let message = """
        error: out of memory: the system has no \(bytes >> 20) MiB left for a tensor, beside the \(held >> 20) MiB of other \
        tensors; take a smaller batch, activation checkpointing or trainer.precision bf16-mixed, or lift the limit on memory \
        (ulimit -v)

        """
    // Streams of the C library may be locked by another thread, and the line matters more than whether it can be written.
    _ = message.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    _exit(1)
}
