import Configuration
import LAMData
import LAMTrain

/// A run of some steps, of which nothing but its speed is of interest.
final class EstimateTrial {
    let run: TrainingRun
    /// What opening of data and model took.
    let openingSeconds: Double
    private let step: TrainingStep
    private var done = 0
    private var seconds: [Double] = []

    init(
        _ configuration: LAMConfiguration, batch: Int, _ environment: [String: String], _ threads: Int?,
        note: (String) -> Void
    ) throws {
        let start = ContinuousClock.now
        var configuration = configuration
        configuration.data.stream.batchSize = batch
        run = try TrainingRun(
            configuration, checkpointRequest: nil, randomSeed: 0, environment: environment, threads: threads, note: note
        )
        step = TrainingStep(run)
        openingSeconds = (ContinuousClock.now - start) / .seconds(1)
    }

    /// Steps after the first, which prepares memory; at least 1.
    var measuredSteps: Int { max(1, seconds.count - 1) }

    /// Mean over the measured steps, waits for data included; of a single step, that one's.
    var secondsPerStep: Double {
        let measured = seconds.count > 1 ? Array(seconds.dropFirst()) : seconds
        return measured.reduce(0, +) / Double(max(1, measured.count))
    }

    /// Takes a first step, and then up to `steps` until time is over.
    func train(steps: Int, until isOver: () -> Bool) throws {
        for count in 0...steps where count == 0 || !isOver() {
            let start = ContinuousClock.now
            guard let batch = try run.stream.next() else { preconditionFailure("the training stream is endless") }
            let input = try run.batchEncoder(batch)
            if done == 0 { try step.begin(input) }
            _ = try step.add(input, step: done, isLast: true, isObserved: false)
            _ = try step.take(
                learningRate: run.learningRate(atStep: done, of: nil), batches: 1, measuresParts: false
            ) { .quiet }
            try run.module.backend.synchronize()
            done += 1
            seconds.append((ContinuousClock.now - start) / .seconds(1))
        }
    }

    /// Samples per second that the stream delivers while nothing trains, once the batches made ahead are used up.
    func streamSamplesPerSecond(until isOver: () -> Bool) throws -> Double {
        let enough = 32
        var start = ContinuousClock.now
        var samples = 0
        for count in 0..<enough + run.streamOptions.prefetch {
            guard count <= run.streamOptions.prefetch || !isOver(), let batch = try run.stream.next() else { break }
            if count < run.streamOptions.prefetch {
                start = .now
            } else {
                samples += batch.samples.count
            }
        }
        return Double(samples) / max((ContinuousClock.now - start) / .seconds(1), 1e-9)
    }
}
