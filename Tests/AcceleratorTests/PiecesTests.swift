import AcceleratorTestSupport
import BackendConformance
import Foundation
import Randomness
import StableHLO
import Tensor
import Testing

import Accelerator

@Suite("Memory regions as values")
struct PiecesTests {
    @Test("runs hold what was written last, without gaps")
    func writes() {
        var generator = RandomGenerator(seed: 3, purpose: "pieces"), function = Function()
        func number(below limit: Int) -> Int { Int(generator.next() % UInt64(limit)) }
        for _ in 0..<200 {
            let count = 1 + number(below: 40)
            var pieces = Pieces(count: count, .filled(1000)), expected = [UInt64](repeating: 1000, count: count)
            for turn in 0..<12 {
                let start = number(below: count), end = start + number(below: count - start + 1)
                pieces.write(.filled(UInt64(turn)), to: start..<end, in: &function)
                for place in start..<end { expected[place] = UInt64(turn) }
                let from = number(below: count), to = from + number(below: count - from + 1)
                let got = pieces.read(from..<to, in: &function).flatMap { piece -> [UInt64] in
                    guard case .filled(let bits) = piece.source else { return [] }
                    return [UInt64](repeating: bits, count: piece.range.count)
                }
                #expect(got == Array(expected[from..<to]))
                #expect(pieces.pieces.allSatisfy { !$0.range.isEmpty })
            }
        }
    }

    @Test(
        "blocks of any distance are copied and added as on the CPU",
        .enabled(if: TestPlugin.isThere, "the CPU plugin was not fetched: bash scripts/accelerator.sh cpu"))
    func copies() throws {
        let device = RecordingBackend(
            try #require(TestPlugin.client), settings: CompilationSettings(options: TestPlugin.options))
        let cpu = TestBackend.cpu(instructionSet: .portable)
        var generator = RandomGenerator(seed: 4, purpose: "copies")
        func number(_ range: ClosedRange<Int>) -> Int {
            range.lowerBound + Int(generator.next() % UInt64(range.count))
        }
        var results: [(Tensor, Tensor, String)] = []
        for turn in 0..<120 {
            let blocks = number(1...5), length = number(1...6)
            // Blocks may overlap where they are read; where they are written they do not.
            let plan = BlockCopy(
                blocks: blocks, length: length, source: number(0...4), sourceStride: number(0...9),
                target: number(0...4), targetStride: length + number(0...3))
            let counts = [
                plan.source + (blocks - 1) * plan.sourceStride + length + number(0...3),
                plan.target + (blocks - 1) * plan.targetStride + length + number(0...3),
            ]
            let tensors = [cpu as any Backend, device].map { backend -> Tensor in
                let source = backend.sample([counts[0]], "source \(turn)")
                let target = backend.sample([counts[1]], "target \(turn)")
                backend.copy(plan, from: source, to: target, accumulate: turn % 2 == 1)
                return target
            }
            results.append((tensors[0], tensors[1], "\(plan), \(counts)"))
        }
        for (expected, got, plan) in results { #expect(device.floats(got) == cpu.floats(expected), "\(plan)") }
    }
}

@Suite("Modules that know no device")
struct DeviceIndependenceTests {
    @Test("models, layers and optimisers import nothing of accelerators")
    func imports() throws {
        let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Sources")
        for module in ["LAM", "NN", "WanVAE", "Text", "Frozen", "Tensor"] {
            let folder = sources.appendingPathComponent(module)
            let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.compactMap {
                $0 as? URL
            }
            let swift = files?.filter { $0.pathExtension == "swift" } ?? []
            #expect(!swift.isEmpty, "\(folder.path)")
            for file in swift {
                let text = try String(contentsOf: file, encoding: .utf8)
                let imported = text.split(separator: "\n").filter { $0.hasPrefix("import ") }.map { $0.dropFirst(7) }
                let foreign = Set(imported.map(String.init)).intersection([
                    "Accelerator", "PJRT", "StableHLO", "Devices",
                ])
                #expect(foreign.isEmpty, "\(file.lastPathComponent) imports \(foreign)")
            }
        }
    }
}
