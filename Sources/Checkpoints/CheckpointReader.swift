import Formats

/// A value within a checkpoint together with where it stands, so that every complaint names path and key.
package struct CheckpointReader {
    package let path: String
    package let key: String
    package let value: PickleValue

    package init(path: String, key: String, value: PickleValue) {
        (self.path, self.key, self.value) = (path, key, value)
    }

    package func fault(_ expected: String) -> CheckpointError { .wrongType(path: path, key: key, expected: expected) }

    /// The entry under `name`, or nil.
    package func optional(_ name: String) throws(CheckpointError) -> CheckpointReader? {
        guard let dict = value.dict else { throw fault("a dictionary") }
        guard let entry = dict[.string(name)] else { return nil }
        return CheckpointReader(path: path, key: key.isEmpty ? name : "\(key).\(name)", value: entry)
    }

    package func callAsFunction(_ name: String) throws(CheckpointError) -> CheckpointReader {
        guard let entry = try optional(name) else {
            throw .missingKey(path: path, key: key.isEmpty ? name : "\(key).\(name)")
        }
        return entry
    }

    package func int() throws(CheckpointError) -> Int {
        guard let int = value.int else { throw fault("an integer") }
        return int
    }

    /// A number of things, so small that a run may go on counting from it.
    package func count() throws(CheckpointError) -> Int {
        let value = try int()
        guard 0...(1 << 53) ~= value else { throw fault("an integer from 0 to 2^53") }
        return value
    }

    package func double() throws(CheckpointError) -> Double {
        guard let double = value.double else { throw fault("a number") }
        return double
    }

    package func bool() throws(CheckpointError) -> Bool {
        guard let bool = value.bool else { throw fault("True or False") }
        return bool
    }

    /// True, False, or nil for None.
    package func optionalBool() throws(CheckpointError) -> Bool? { value.isNone ? nil : try bool() }

    package func string() throws(CheckpointError) -> String {
        guard let string = value.string else { throw fault("a string") }
        return string
    }

    package func tensor() throws(CheckpointError) -> StoredTensor {
        guard let tensor = value.tensor else { throw fault("a tensor") }
        return tensor.contiguous()
    }

    /// A number of things as a tensor of one element.
    package func integerTensor() throws(CheckpointError) -> Int {
        guard let values = try? tensor().int64s(), values.count == 1, 0...(1 << 53) ~= values[0] else {
            throw fault("an integer tensor of one element, from 0 to 2^53")
        }
        return Int(values[0])
    }

    /// The elements of a list or tuple.
    package func elements() throws(CheckpointError) -> [CheckpointReader] {
        guard let elements = value.elements else { throw fault("a list") }
        return elements.enumerated().map {
            CheckpointReader(path: path, key: "\(key)[\($0.offset)]", value: $0.element)
        }
    }

    /// The entries of a dictionary.
    package func entries() throws(CheckpointError) -> [(key: PickleKey, value: CheckpointReader)] {
        guard let dict = value.dict else { throw fault("a dictionary") }
        return dict.entries.map { (entryKey, entry) in
            let name =
                switch entryKey {
                case .string(let text): text
                case .int(let number): "\(number)"
                default: "\(entryKey)"
                }
            return (entryKey, CheckpointReader(path: path, key: "\(key).\(name)", value: entry))
        }
    }
}
