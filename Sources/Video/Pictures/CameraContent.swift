import Foundation

/// What the numbers of a camera's pictures are: colours, or something else that a vision encoder must not take for such.
public enum CameraContent: Sendable, Hashable {
    case color
    /// One channel: distances from the camera, or whatever a sensor of one channel measures.
    case depth(DepthScale)

    public var isColor: Bool { self == .color }

    /// For people: `colour`, or what the numbers are.
    package var description: String { depth?.description ?? "colour" }

    public var depth: DepthScale? { if case .depth(let scale) = self { scale } else { nil } }
}

/// How stored numbers of a depth camera become distances.
public struct DepthScale: Sendable, Hashable {
    public enum Unit: String, Sendable {
        case meters = "m"
        case millimeters = "mm"
    }

    /// The codes of a depth video of LeRobot: 12 bits, spread over a range in metres, evenly or by logarithms.
    ///
    /// Source: `depth_utils.py` of LeRobot 0.6.1; with `log`, d = exp(code ÷ 4095 × (ln(max + shift) − ln(min + shift)) +
    /// ln(min + shift)) − shift, clamped to min … max.
    public struct Codes: Sendable, Hashable {
        public let minimum: Double
        public let maximum: Double
        public let shift: Double
        public let isLogarithmic: Bool

        package init(minimum: Double, maximum: Double, shift: Double, isLogarithmic: Bool) {
            (self.minimum, self.maximum, self.shift, self.isLogarithmic) = (minimum, maximum, shift, isLogarithmic)
        }

        static let largest = 4095.0

        /// The distances in metres of all codes.
        func meters() -> [Float] {
            (0...Int(Self.largest)).map { code in
                let part = Double(code) / Self.largest
                guard isLogarithmic else { return Float(minimum + part * (maximum - minimum)) }
                let (low, high) = (log(minimum + shift), log(maximum + shift))
                return Float(min(max(exp(low + part * (high - low)) - shift, minimum), maximum))
            }
        }
    }

    /// What the numbers count; nil where nobody says: then they are taken as they are stored.
    public let unit: Unit?
    /// Nil where the stored numbers are the distances.
    public let codes: Codes?
    /// Whether the dataset calls it a depth map, or only its pictures have one channel.
    public let isDeclared: Bool

    public init(unit: Unit? = nil, codes: Codes? = nil, isDeclared: Bool = false) {
        (self.unit, self.codes, self.isDeclared) = (unit, codes, isDeclared)
    }

    /// `depth in mm, 10 to 10000`, for people.
    public var description: String {
        let unit = unit.map { " in \($0.rawValue)" } ?? ", unit unknown"
        guard let codes else { return (isDeclared ? "depth" : "one channel") + unit }
        let factor = self.unit == .meters ? 1.0 : 1000
        let range = [codes.minimum, codes.maximum].map { Self.short($0 * factor) }
        return "depth\(unit), \(range[0]) to \(range[1])"
    }

    private static func short(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }
}
