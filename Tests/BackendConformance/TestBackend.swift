import Tensor

/// The backends that tests run on.
package enum TestBackend {
    /// The CPU with few threads, so that many tests run beside each other.
    ///
    /// - Parameters:
    ///   - instructionSet: which vector kernels; nil for the fastest.
    ///   - splitsProducts: whether large f32 products run on bf16 units where these are fast enough for that.
    package static func cpu(
        threads: Int = 2, instructionSet: InstructionSet? = nil, splitsProducts: Bool = true
    ) -> CPUBackend {
        CPUBackend(threadCount: threads, instructionSet: instructionSet, splitsProducts: splitsProducts)
    }

    /// A way in which this CPU can compute.
    package struct CPUKind: Sendable, CustomStringConvertible {
        let instructionSet: InstructionSet
        let splitsProducts: Bool

        package var description: String { instructionSet.rawValue + (splitsProducts ? ", split products" : "") }

        package func backend(threads: Int = 2) -> CPUBackend {
            TestBackend.cpu(threads: threads, instructionSet: instructionSet, splitsProducts: splitsProducts)
        }
    }

    /// Every instruction set that this CPU has, and plain f32 where products are made of parts.
    package static let cpuKinds: [CPUKind] = InstructionSet.available.flatMap { set in
        (set == .amx ? [true, false] : [false]).map { CPUKind(instructionSet: set, splitsProducts: $0) }
    }
}
