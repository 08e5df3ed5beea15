/// `devices`: an accelerator's devices, or how many processes the original would start on a node of CPUs.
public enum DeviceCount: ConfigRepresentable, Equatable {
    /// As many as there are.
    case auto
    case count(Int)
    /// By their numbers, from 0.
    case chosen([Int])

    public static var typeDescription: String { "`auto`, a number, or a list of different numbers from 0" }

    /// How many; nil where that depends on the machine.
    public var count: Int? {
        switch self {
        case .auto: nil
        case .count(let count): count
        case .chosen(let devices): devices.count
        }
    }

    /// Takes Lightning's forms: `auto`, `-1`, `4`, `[0, 1]` and `"0,1"`.
    public init(decoding node: ConfigNode, at path: String, in context: inout ConfigContext) throws {
        func chosen(_ devices: [Int?]) throws -> DeviceCount {
            let numbers = devices.compactMap { $0 }
            guard !numbers.isEmpty, numbers.count == devices.count, numbers.allSatisfy({ $0 >= 0 }),
                Set(numbers).count == numbers.count
            else { throw node.invalid(path, expected: Self.typeDescription) }
            return .chosen(numbers)
        }
        switch node.value {
        case .string("auto"), .string("-1"), .int(-1), .null: self = .auto
        case .int(let count) where count >= 1: self = .count(count)
        case .list(let devices):
            self = try chosen(
                devices.map {
                    switch $0 {
                    case .int(let number): number
                    case .string(let text): Int(text)
                    default: nil
                    }
                })
        case .string(let text):
            // "3" is a number of devices, "0,3" and "3," are lists of them.
            guard text.contains(",") else {
                guard let count = Int(text.trimmed), count >= 1 else {
                    throw node.invalid(path, expected: Self.typeDescription)
                }
                self = .count(count)
                return
            }
            var devices = text.split(separator: ",", omittingEmptySubsequences: false)
            if devices.last?.trimmed.isEmpty == true { devices.removeLast() }
            self = try chosen(devices.map { Int($0.trimmed) })
        default: throw node.invalid(path, expected: Self.typeDescription)
        }
    }

    public var configValue: ConfigValue {
        switch self {
        case .auto: .string("auto")
        case .count(let count): .int(count)
        case .chosen(let devices): .list(devices.map { .int($0) })
        }
    }
}

extension StringProtocol {
    /// Without white space at the ends.
    fileprivate var trimmed: String {
        let inner = drop(while: \.isWhitespace)
        return String(String(inner).reversed().drop(while: \.isWhitespace).reversed())
    }
}
