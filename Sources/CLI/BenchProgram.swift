import Benchmarks
import Devices
import Foundation

/// What benchmarks of devices share.
enum BenchProgram {
    /// Prints an error as one line, and ends with its exit code.
    static func run(_ body: () throws -> Void) throws {
        do { try body() } catch {
            Console.error("error: \(error)")
            throw ExitStatus.code(for: error)
        }
    }
}

extension BenchmarkDevice {
    /// The device that an option names, in the surroundings of this process.
    static func forProgram(_ choice: DeviceChoice) -> BenchmarkDevice {
        BenchmarkDevice(
            choice, environment: ProcessInfo.processInfo.environment, announce: { Console.error("note: \($0)") })
    }
}
