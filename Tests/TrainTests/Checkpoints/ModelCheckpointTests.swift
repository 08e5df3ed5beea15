import Configuration
import Foundation
import Checkpoints
import LAMTrain
import TestSupport
import Testing

@Suite struct ModelCheckpointTests {
    private struct DiskFull: Error {}

    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func callback(_ change: (inout ModelCheckpointConfiguration) -> Void) -> ModelCheckpoint {
        var configuration = ModelCheckpointConfiguration()
        change(&configuration)
        return ModelCheckpoint(configuration, defaultDirectory: folder.root.path)
    }

    @discardableResult
    private func save(
        _ callback: ModelCheckpoint, step: Int, epoch: Int = 0, loss: Double? = nil, content: String = "x"
    ) throws -> String? {
        let path = try callback.save(
            epoch: epoch, step: step, metrics: loss.map { ["val_loss": $0] } ?? [:], known: ["train_loss", "val_loss"]
        ) { try content.write(toFile: $0, atomically: true, encoding: .utf8) }
        return path.map { URL(fileURLWithPath: $0).lastPathComponent }
    }

    @Test(
        "names follow Lightning's patterns",
        arguments: [
            (nil, true, "epoch=2-step=40"),
            ("{epoch}-{step}", false, "2-40"),
            ("{epoch:02d}-{val_loss:.3f}", true, "epoch=02-val_loss=0.125"),
            ("run_{step:06d}", false, "run_000040"),
            ("fixed", true, "fixed"),
            ("{val_loss:.2f}", false, "0.12"),
        ] as [(String?, Bool, String)])
    func names(_ pattern: String?, _ inserts: Bool, _ expected: String) throws {
        let callback = callback {
            $0.filename = pattern
            $0.autoInsertMetricName = inserts
        }
        #expect(try save(callback, step: 40, epoch: 2, loss: 0.125) == "\(expected).ckpt")
    }

    @Test("a metric's slash does not open a folder")
    func slash() throws {
        let callback = callback { $0.filename = "{step}-{train/mse_loss:.2f}" }
        let path = try callback.save(epoch: 0, step: 3, metrics: ["train/mse_loss": 0.5], known: []) {
            try "x".write(toFile: $0, atomically: true, encoding: .utf8)
        }
        #expect(path == folder.path("step=3-train/mse_loss=0.50.ckpt"))
        #expect(path.map { FileManager.default.fileExists(atPath: $0) } == true)
    }

    @Test("a name that is taken gets -v1, -v2, or is overwritten where that is asked for")
    func versions() throws {
        for _ in 0..<3 { try save(callback { $0.saveTopK = -1 }, step: 5) }
        #expect(try folder.names() == ["epoch=0-step=5-v1.ckpt", "epoch=0-step=5-v2.ckpt", "epoch=0-step=5.ckpt"])
        let overwriting = callback {
            $0.saveTopK = -1
            $0.enableVersionCounter = false
        }
        #expect(try save(overwriting, step: 5, content: "new") == "epoch=0-step=5.ckpt")
        #expect(try String(contentsOf: folder.url("epoch=0-step=5.ckpt"), encoding: .utf8) == "new")
    }

    @Test("save_top_k: 1 keeps the newest, -1 all, 0 none")
    func counts() throws {
        let newest = callback { _ in }
        for step in 1...3 { try save(newest, step: step) }
        #expect(try folder.names() == ["epoch=0-step=3.ckpt"])
        let none = callback { $0.saveTopK = 0 }
        #expect(try save(none, step: 9) == nil)
        try none.saveFinal(step: 9, isInterrupted: false) { _ in Issue.record("nothing is to be written") }
        #expect(try folder.names() == ["epoch=0-step=3.ckpt"])
        let all = callback { $0.saveTopK = -1 }
        for step in 5...7 { try save(all, step: step) }
        #expect(try folder.names().count == 4)
    }

    @Test("with monitor the best stay, lowest or highest, and a NaN ranks last")
    func monitor() throws {
        let losses = [1: 0.5, 2: .nan, 3: 0.4, 4: 0.9, 5: 0.3]
        for (mode, kept, best) in [
            (MonitorMode.min, [3, 5], 5), (.max, [1, 4], 4),
        ] {
            let inner = try TemporaryFolder()
            let callback = callback {
                $0.monitor = "val_loss"
                $0.mode = mode
                $0.saveTopK = 2
                $0.dirpath = inner.root.path
            }
            for (step, loss) in losses.sorted(by: { $0.key < $1.key }) { try save(callback, step: step, loss: loss) }
            #expect(try inner.names() == kept.map { "epoch=0-step=\($0).ckpt" })
            #expect(callback.state.bestModelPath == inner.path("epoch=0-step=\(best).ckpt"))
        }
    }

    @Test("a monitored value that has not been logged yet ranks nothing; one that never is, is an error")
    func unknownMonitor() throws {
        let later = callback { $0.monitor = "val_loss" }
        #expect(try save(later, step: 1) == nil)
        #expect(try save(later, step: 2, loss: 1) == "epoch=0-step=2.ckpt")
        let never = callback { $0.monitor = "val_los" }
        #expect(throws: CheckpointError.unknownMonitor(name: "val_los", known: ["train_loss", "val_loss"])) {
            try save(never, step: 1, loss: 1)
        }
    }

    @Test("last.ckpt is the newest file under a second name")
    func last() throws {
        let callback = callback {
            $0.saveLast = .yes
            $0.saveTopK = -1
        }
        try save(callback, step: 1, content: "one")
        try save(callback, step: 2, content: "two")
        #expect(try folder.names() == ["epoch=0-step=1.ckpt", "epoch=0-step=2.ckpt", "last.ckpt"])
        #expect(try String(contentsOf: folder.url("last.ckpt"), encoding: .utf8) == "two")
        try callback.saveFinal(step: 3, isInterrupted: false) {
            try "end".write(toFile: $0, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: folder.url("last.ckpt"), encoding: .utf8) == "end")
        #expect(try String(contentsOf: folder.url("epoch=0-step=2.ckpt"), encoding: .utf8) == "two")
    }

    @Test("a failed write loses no file and no memory of one")
    func failure() throws {
        for monitor in [nil, "val_loss"] {
            let inner = try TemporaryFolder()
            let callback = callback {
                $0.saveLast = .yes
                $0.monitor = monitor
                $0.dirpath = inner.root.path
            }
            try save(callback, step: 1, loss: 1)
            let before = callback.state
            #expect(throws: DiskFull.self) {
                try callback.save(epoch: 0, step: 2, metrics: ["val_loss": 0.5], known: ["val_loss"]) { _ in
                    throw DiskFull()
                }
            }
            #expect(callback.state == before)
            #expect(try inner.names() == ["epoch=0-step=1.ckpt", "last.ckpt"])
            #expect(try save(callback, step: 2, loss: 0.5) == "epoch=0-step=2.ckpt")
            #expect(try inner.names() == ["epoch=0-step=2.ckpt", "last.ckpt"])
        }
    }

    @Test("an interrupted run is saved once per step, also without save_last")
    func interrupted() throws {
        let callback = callback { _ in }
        try save(callback, step: 4)
        try callback.saveFinal(step: 4, isInterrupted: true) { _ in Issue.record("this step is saved already") }
        try callback.saveFinal(step: 5, isInterrupted: true) {
            try "x".write(toFile: $0, atomically: true, encoding: .utf8)
        }
        #expect(try folder.names() == ["epoch=0-step=4.ckpt", "last.ckpt"])
    }

    @Test("intervals are Lightning's: steps, epochs, after training or after validation")
    func due() {
        let steps = callback { $0.everyNTrainSteps = 3 }
        #expect((1...6).filter { steps.isDue(afterStep: $0) } == [3, 6])
        #expect(!steps.isDue(afterEpoch: 0, isValidation: false, hasValidation: false))
        let epochs = callback { $0.everyNEpochs = 2 }
        #expect((0..<5).filter { epochs.isDue(afterEpoch: $0, isValidation: false, hasValidation: false) } == [1, 3])
        let plain = callback { _ in }
        #expect(plain.isDue(afterEpoch: 0, isValidation: true, hasValidation: true))
        #expect(!plain.isDue(afterEpoch: 0, isValidation: false, hasValidation: true))
    }

    @Test("a resumed callback goes on with its own files")
    func restore() throws {
        func make() -> ModelCheckpoint {
            callback {
                $0.saveLast = .yes
                $0.monitor = "val_loss"
                $0.saveTopK = 1
            }
        }
        let first = make()
        var written: ModelCheckpointState?
        _ = try first.save(epoch: 0, step: 1, metrics: ["val_loss": 1], known: ["val_loss"]) {
            written = first.state
            try "x".write(toFile: $0, atomically: true, encoding: .utf8)
        }
        let second = make()
        // What the file itself holds, written before last.ckpt was.
        second.restore([try #require(written)])
        try save(second, step: 2, loss: 0.5)
        #expect(try folder.names() == ["epoch=0-step=2.ckpt", "last.ckpt"])
    }
}
