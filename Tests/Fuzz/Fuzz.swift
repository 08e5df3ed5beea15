import Foundation
import HDF5
import TestSupport

/// Damages files, and reads them in one process, as many as are asked for.
///
///     Fuzz KIND COUNT SEED FOLDER          reads them
///     Fuzz KIND COUNT SEED FOLDER write [ORIGINAL]
///                                          leaves them in FOLDER for other programs: KIND-NUMBER.ENDING
///     Fuzz hub-server FILE                 prints an address and gives what the file holds as a hub's answers, until it is ended
///
/// Each is a file of `Tests/Goldens` with one to six edits, most of them where its structure lies. What is read must be values or
/// an error with words, in less than 20 seconds. A crash ends the process and leaves the file in `FOLDER`. Prints a line with what
/// was tried; ends with 1 where something took too long, with 2 for a wrong call.
@main
enum Fuzz {
    private static let longest = 20.0

    static func main() throws {
        let arguments = CommandLine.arguments
        switch arguments.count {
        case 2 where arguments[1] == "hdf5-reader": return HDF5Isolation.serve()
        case 3 where arguments[1] == "hub-server": return try serve(arguments[2])
        default: break
        }
        let writes = arguments.count > 5 && arguments[5] == "write"
        guard arguments.count == 5 || writes && arguments.count <= 7,
            let target = FuzzTarget.all.first(where: { $0.name == arguments[1] }),
            let count = Int(arguments[2]), let seed = UInt64(arguments[3])
        else {
            print(
                "usage: Fuzz \(FuzzTarget.all.map(\.name).joined(separator: "|")) COUNT SEED FOLDER [write [ORIGINAL]]")
            print("       Fuzz hub-server FILE")
            exit(2)
        }
        let own = arguments.count == 7 ? URL(fileURLWithPath: arguments[6]) : nil
        let originals =
            try own.map { [([UInt8](try Data(contentsOf: $0)), $0.pathExtension)] } ?? target.originals()
        var mutator = Mutator(seed: seed, vocabulary: target.vocabulary)
        func damaged(_ round: Int) -> (bytes: [UInt8], ending: String) {
            let original = originals[round % originals.count]
            return (mutator.mutate(original.bytes, hot: target.hot(original.bytes, round)), original.ending)
        }
        if writes {
            for round in 0..<count {
                let file = damaged(round)
                let path = "\(arguments[4])/\(target.name)-\(round).\(file.ending)"
                try Data(file.bytes).write(to: URL(fileURLWithPath: path))
            }
            return
        }
        // As in the program: libhdf5 may crash, and nothing else with it.
        HDF5Isolation.start([arguments[0], "hdf5-reader"])
        var (readable, slow) = (0, 0)
        var worst = 0.0
        for round in 0..<count {
            let file = damaged(round)
            // A name of its own: what has crashed libhdf5 once is not asked about again.
            let path = "\(arguments[4])/\(target.name)-\(seed)-\(round).\(file.ending)"
            try Data(file.bytes).write(to: URL(fileURLWithPath: path))
            let start = ContinuousClock.now
            do {
                try target.read(path)
                readable += 1
            } catch {
                precondition(!"\(error)".isEmpty, "an error without words")
            }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            worst = max(worst, seconds)
            if seconds > longest { slow += 1 } else { try? FileManager.default.removeItem(atPath: path) }
        }
        let slowest = String(format: "%.2f", worst)
        print(
            "\(target.name) tried \(count), readable \(readable), slower than \(Int(longest)) s \(slow), slowest \(slowest) s"
        )
        exit(slow == 0 ? 0 : 1)
    }

    private static func serve(_ path: String) throws {
        let server = try DamagedHub.server { path }
        print(server.endpoint)
        fflush(nil)
        withExtendedLifetime(server) { while true { sleep(1000) } }
    }
}
