import Foundation

/// Factor on the learning rate at each step: a linear warm-up, then constant or a cosine down to zero.
public struct LearningRateSchedule: Sendable, Equatable {
    public enum Shape: String, Sendable, CaseIterable { case constant, cosine }

    public var shape: Shape
    public var warmupSteps: Int
    /// Step at which the cosine reaches zero; unused by `constant`.
    public var totalSteps: Int?

    public init(shape: Shape = .constant, warmupSteps: Int = 0, totalSteps: Int? = nil) {
        self.shape = shape
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
    }

    /// Factor for optimiser step `step`, counted from 0.
    public func factor(at step: Int) -> Float {
        if step < warmupSteps { return Float(step + 1) / Float(warmupSteps) }
        guard shape == .cosine, let totalSteps, totalSteps > warmupSteps else { return 1 }
        let progress = Double(min(step, totalSteps) - warmupSteps) / Double(totalSteps - warmupSteps)
        return Float((1 + cos(.pi * progress)) / 2)
    }
}
