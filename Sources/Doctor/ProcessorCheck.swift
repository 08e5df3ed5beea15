import Devices
import Foundation
import LAMTrain
import Tensor

/// The processor: what it is, and how fast its arithmetic goes now.
struct ProcessorCheck {
    let threads: Int?
    let environment: [String: String]

    /// Products of f32 reach less of the peak than this only where something else uses the cores.
    private static let leastShare = 0.5
    /// How much faster products have to be without matrix units to be told.
    private static let worthALine = 1.15

    func findings() -> [Finding] {
        let backend: CPUBackend
        do { backend = try Device.cpu(threads: threads, environment: environment) } catch {
            return [.broken("processor", "\(error)", remedy: "unset LAM_INSTRUCTION_SET")]
        }
        let name = SystemFile.field("model name", of: "/proc/cpuinfo") ?? "unknown processor"
        let sets = InstructionSet.available.map(\.rawValue).joined(separator: ", ")
        let products = ProductCeiling.measure(backend, .off, ProductCeiling.brief)
        return [
            .ok("processor", "\(name); \(backend.summary); kernels for \(sets)"),
            quota(of: backend), rate(of: backend, products: products), matrixUnits(of: backend, products: products),
        ].compactMap { $0 }
    }

    /// A container may get less time than it sees processors.
    private func quota(of backend: CPUBackend) -> Finding? {
        let words = SystemFile.text("/sys/fs/cgroup/cpu.max")?.split(separator: " ").compactMap { Double($0) } ?? []
        guard words.count == 2, words[1] > 0 else { return nil }
        let cpus = words[0] / words[1]
        guard cpus < 0.9 * Double(backend.pool.threadCount) else { return nil }
        return .warning(
            "processor time",
            "\(backend.pool.threadCount) threads, and a limit of \(String(format: "%.1f", cpus)) processors by the container",
            remedy: "set trainer.num_threads to \(max(1, Int(cpus)))")
    }

    private func rate(of backend: CPUBackend, products: Double) -> Finding {
        let peak = backend.measuredVectorPeak()
        let half = ProductCeiling.measure(backend, .bf16, ProductCeiling.brief)
        let found = String(
            format: "%.0f GFLOP/s of multiply-adds, %.0f in f32 products, %.0f in bf16 products", peak, products, half)
        // Matrix units leave the vector peak behind; nothing but load keeps products far below it.
        guard products < Self.leastShare * peak else { return .ok("arithmetic", found) }
        return .warning("arithmetic", found, remedy: "something else uses the processor: end it, and look again")
    }

    /// Matrix units make f32 products slower than vector units do where a neighbour on the processor uses them, too. The
    /// program does not choose by what it measures, since the same run shall give the same bits.
    private func matrixUnits(of backend: CPUBackend, products: Double) -> Finding? {
        guard backend.instructionSet == .amx else { return nil }
        let vectors = Device.cpu(threads: threads, instructionSet: .avx512)
        let without = ProductCeiling.measure(vectors, .off, ProductCeiling.brief)
        guard without > Self.worthALine * products else { return nil }
        return .warning(
            "matrix units", String(format: "%.0f GFLOP/s of f32 products, %.0f without them", products, without),
            remedy: "trainings in 32-true may be faster with LAM_INSTRUCTION_SET=avx512; those in bf16-mixed are not")
    }
}
