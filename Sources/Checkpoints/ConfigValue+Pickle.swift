import Configuration
import Formats
import OrderedCollections

extension ConfigValue {
    /// The value as Python would pickle it.
    package var pickle: PickleValue {
        switch self {
        case .null: .none
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .double(let value): .float(value)
        case .string(let value): .string(value)
        case .list(let items): .list(items.map(\.pickle))
        case .map(let entries):
            .dict(
                PickleDict(
                    OrderedDictionary(
                        uniqueKeysWithValues: entries.map { (PickleKey.string($0.key), $0.value.pickle) })))
        }
    }
}

extension PickleValue {
    /// The value of a configuration that is pickled so; nil for what no configuration has, or deeper than any.
    package var configValue: ConfigValue? { configValue(depth: 8) }

    private func configValue(depth: Int) -> ConfigValue? {
        guard depth > 0 else { return nil }
        switch self {
        case .none: return .null
        case .bool(let value): return .bool(value)
        case .int(let value): return .int(value)
        case .float(let value): return .double(value)
        case .string(let value): return .string(value)
        case .list(let items), .tuple(let items):
            let values = items.compactMap { $0.configValue(depth: depth - 1) }
            return values.count == items.count ? .list(values) : nil
        case .dict(let entries):
            var values: OrderedDictionary<String, ConfigValue> = [:]
            for (key, value) in entries.entries {
                guard case .string(let name) = key, let value = value.configValue(depth: depth - 1) else { continue }
                values[name] = value
            }
            return .map(values)
        default: return nil
        }
    }
}
