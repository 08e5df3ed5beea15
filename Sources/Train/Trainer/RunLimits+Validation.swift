import Configuration

extension RunLimits {
    /// Held-out samples that all validations of a run look at, the trial before training left out; 0 of a run without end.
    ///
    /// - Parameters:
    ///   - batchSize: of all ranks.
    ///   - heldOut: pairs of the held-out split.
    package func validationSamples(batchSize: Int, heldOut: Int, limit: BatchLimit) -> Double {
        guard let totalSteps, let batchesPerValidation, batchesPerValidation > 0, batchesPerEpoch > 0 else { return 0 }
        let batches = Double(totalSteps) * Double(accumulatedBatches)
        let validations: Double
        if let epochsPerValidation {
            let perEpoch = Double(batchesPerEpoch / batchesPerValidation)
            validations = perEpoch * (batches / Double(batchesPerEpoch) / Double(epochsPerValidation)).rounded(.down)
        } else {
            validations = (batches / Double(batchesPerValidation)).rounded(.down)
        }
        let samples =
            switch limit {
            case .batches(let count): min(Double(heldOut), Double(count) * Double(batchSize))
            case .fraction(let share): share * Double(heldOut)
            }
        return validations * samples
    }
}
