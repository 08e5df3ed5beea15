import BackendConformance
import Foundation
import LAM
import LAMTrain
import Tensor
import Testing

/// Verdicts on a run, from what its steps gave.
@Suite struct HealthTests {
    /// Steps that use some codes equally, with a share of the copy baseline.
    private func steps(
        _ record: inout HealthRecord, from first: Int, live: Range<Int>, share: Double, baseline: Double = 0.5
    ) {
        for step in first..<first + 10 {
            let counts = (0..<16).map { live.contains($0) ? 8.0 : 0 }
            record.add(counts: counts, mse: 4 * share * baseline, baseline: 4 * baseline, samples: 4, step: step)
        }
    }

    @Test("a verdict tells live codes, the error under the baseline and where it goes")
    func words() {
        var record = HealthRecord(codes: 16)
        steps(&record, from: 1, live: 0..<7, share: 1.2)
        let first = record.judge(step: 10, waiting: nil, restartsCodes: true)
        #expect(
            first.text
                == "step 10: 7 of 16 codes live (perplexity 7.0), reconstruction 20 % over the copy baseline")
        #expect(first.warnings.isEmpty, "a young run may be worse than the baseline")
        steps(&record, from: 11, live: 0..<16, share: 0.69)
        let second = record.judge(step: 20, waiting: 0.1, restartsCodes: true)
        #expect(
            second.text
                == "step 20: 16 of 16 codes live (perplexity 16.0), reconstruction 31 % under the copy baseline, improving"
        )
        steps(&record, from: 21, live: 0..<16, share: 0.685)
        #expect(record.judge(step: 30, waiting: 0.1, restartsCodes: true).text.hasSuffix(", steady"))
        steps(&record, from: 31, live: 0..<16, share: 0.9)
        #expect(record.judge(step: 40, waiting: 0.1, restartsCodes: true).text.hasSuffix(", worsening"))
    }

    @Test("a restarted code counts once ten steps have used it: that pairs choose it at once tells nothing")
    func restarts() throws {
        var record = HealthRecord(codes: 16)
        steps(&record, from: 1, live: 0..<5, share: 0.5)
        record.addRestarts(Array(3..<16))
        for step in 11...15 {
            record.add(counts: [Double](repeating: 8, count: 16), mse: 1, baseline: 2, samples: 4, step: step)
        }
        #expect(record.unprovenCodes == Set(3..<16))
        record = try JSONDecoder().decode(HealthRecord.self, from: JSONEncoder().encode(record))
        #expect(
            record.judge(step: 15, waiting: nil, restartsCodes: true).text.contains(
                "3 of 16 codes live (perplexity 3.0)"))
        // A step with several batches is one step.
        for step in [16, 16, 17, 17, 18, 19] {
            record.add(counts: [Double](repeating: 8, count: 16), mse: 1, baseline: 2, samples: 4, step: step)
        }
        #expect(record.unprovenCodes.count == 13)
        record.add(
            counts: [Double](repeating: 8, count: 15) + [0], mse: 1, baseline: 2, samples: 4, step: 20)
        #expect(record.unprovenCodes == [15])
        #expect(record.judge(step: 20, waiting: nil, restartsCodes: true).text.contains("15 of 16 codes live"))
        record.addRestarts([0])
        #expect(record.unprovenCodes == [0], "seldom used, but it has outlived the time between restarts")
        record.addRestarts([])
        #expect(record.unprovenCodes.isEmpty)
    }

    @Test("continuous latents are judged by the dimensions that vary from pair to pair, not from step to step")
    func dimensions() {
        var record = HealthRecord(codes: 0, dimensions: 8)
        func judge(live: Int, drift: Double, at step: Int) -> HealthVerdict {
            for batch in 0..<4 {
                let own = LatentSpread(
                    name: "active_dimensions", pairs: 4,
                    sums: (0..<8).map { $0 < live ? 0 : 4 * drift * Double(batch) },
                    squares: (0..<8).map { $0 < live ? 4 : 4 * drift * drift * Double(batch * batch) })
                record.add(own)
                record.add(counts: [], mse: 1, baseline: 2, samples: 4, step: step + batch)
            }
            return record.judge(step: step + 3, waiting: nil, restartsCodes: false)
        }
        let first = judge(live: 6, drift: 5, at: 1)
        #expect(first.text.contains("6 of 8 dimensions active") && first.warnings.isEmpty)
        let collapsed = judge(live: 1, drift: 5, at: 11)
        #expect(collapsed.warnings.first?.contains("1 of 8 dimensions vary") == true)
        #expect(collapsed.warnings.first?.contains("model.bottleneck.beta") == true)
        #expect(judge(live: 1, drift: 0, at: 21).warnings.isEmpty, "said already")
        #expect(judge(live: 8, drift: 0, at: 31).warnings.isEmpty)
    }

    @Test("each way to degenerate is warned of once, with a remedy, and again when it comes back")
    func warnings() {
        var record = HealthRecord(codes: 16)
        func judge(
            live: Range<Int> = 0..<16, share: Double = 0.5, baseline: Double = 0.5, waiting: Double = 0,
            restarts: Bool = true, at step: Int
        ) -> [String] {
            steps(&record, from: step, live: live, share: share, baseline: baseline)
            return record.judge(step: step + 9, waiting: waiting, restartsCodes: restarts).warnings
        }
        #expect(judge(at: 1).isEmpty)
        let collapsed = judge(live: 0..<1, at: 11)
        #expect(collapsed.count == 1 && collapsed[0].contains("the codes collapse: 1 of 16"))
        #expect(collapsed[0].hasPrefix("warning: step 20: ") && collapsed[0].contains("data.batch_size"))
        #expect(judge(live: 0..<1, at: 21).isEmpty, "said already")
        #expect(judge(at: 31).isEmpty)
        #expect(judge(live: 0..<1, restarts: false, at: 41).first?.contains("model.restart to encoder") == true)
        _ = judge(share: 1.1, at: 51)
        #expect(judge(share: 1.1, at: 61).isEmpty, "said at the first of both")
        #expect(judge(baseline: 1e-5, at: 71).first?.contains("data.window") == true)
        #expect(judge(waiting: 0.7, at: 81).first?.contains("data.num_workers") == true)
        #expect(judge(waiting: 0.7, at: 91).isEmpty)
    }

    @Test("without codes a verdict tells the error alone")
    func continuous() {
        var record = HealthRecord(codes: 0)
        record.add(counts: [], mse: 1, baseline: 2, samples: 4, step: 1)
        let verdict = record.judge(step: 1, waiting: nil, restartsCodes: true)
        #expect(verdict.text == "step 1: reconstruction 50 % under the copy baseline" && verdict.warnings.isEmpty)
        #expect(
            record.judge(step: 2, waiting: nil, restartsCodes: true).text
                == "step 2: nothing changes between the frames")
    }

    @Test("activation norms are those of blocks' outputs in f32 and bf16, over the parts of a batch")
    func activations() throws {
        let backend = TestBackend.cpu(threads: 1)
        func norms(_ values: [Float]) throws -> ActivationNorms {
            let tensor = backend.tensor(values, [values.count]), half = backend.empty([values.count], .bf16)
            backend.cast(tensor, into: half)
            var norms = ActivationNorms()
            norms.add("encoder.transformer_blocks.1", tensor, on: backend)
            norms.add("decoder.transformer_blocks.0", half, on: backend)
            try norms.arrive()
            return norms
        }
        let first = try norms([3, 4]), second = try norms([0, 12])
        let whole = first.with(zip(first.values, second.values).map { $0 + $1 })
        for (norms, expected) in [(first, 12.5), (whole, 42.25)] {
            #expect(
                norms.rootMeanSquares.map(\.part) == ["encoder.transformer_blocks.1", "decoder.transformer_blocks.0"])
            #expect(norms.rootMeanSquares.map { $0.value * $0.value }.allSatisfy { abs($0 - expected) < 1e-12 })
        }
    }

    @Test("a record goes through a checkpoint: what follows is the same")
    func roundTrip() throws {
        var record = HealthRecord(codes: 16)
        steps(&record, from: 1, live: 0..<4, share: 0.8)
        _ = record.judge(step: 10, waiting: nil, restartsCodes: true)
        steps(&record, from: 11, live: 3..<9, share: 0.7)
        var restored = try JSONDecoder().decode(HealthRecord.self, from: JSONEncoder().encode(record))
        #expect(restored == record)
        let texts = [
            record.judge(step: 20, waiting: nil, restartsCodes: true).text,
            restored.judge(step: 20, waiting: nil, restartsCodes: true).text,
        ]
        #expect(texts[0] == texts[1])
        #expect(restored.lastUsed == [10, 10, 10] + Array(repeating: 20, count: 6) + Array(repeating: 0, count: 7))
    }
}
