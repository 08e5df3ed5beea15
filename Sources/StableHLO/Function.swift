/// A program while it is written: values in the order in which they are computed, of types that were checked when each was
/// added. Two that are equal have the same text.
///
/// The operations stand in extensions, one file for each family. An operand that does not fit is a programming error and ends
/// the program with both types.
public struct Function: Hashable, Sendable {
    /// One line of the program.
    struct Line: Hashable, Sendable {
        let operation: Operation
        let operands: [Int]
        let type: TensorType
    }

    private(set) var lines: [Line] = []
    /// Types of the arguments, in order.
    public private(set) var arguments: [TensorType] = []
    /// Devices that run it side by side, as its sums over replicas say; 1 without any.
    public internal(set) var replicas = 1
    /// Values that were computed before, by what they are: the same is not computed twice.
    private var constants: [Line: Value] = [:]

    public init() {}

    /// Operations so far.
    public var count: Int { lines.count }

    /// Another argument, behind those there are.
    public mutating func argument(_ type: TensorType) -> Value {
        arguments.append(type)
        return append(.argument(arguments.count - 1), [], type)
    }

    /// Adds an operation whose operands and type have been checked.
    mutating func append(_ operation: Operation, _ operands: [Value], _ type: TensorType) -> Value {
        lines.append(Line(operation: operation, operands: operands.map(\.place), type: type))
        return Value(place: lines.count - 1, type: type)
    }

    /// Adds an operation without operands, once.
    mutating func constant(_ operation: Operation, _ type: TensorType) -> Value {
        let line = Line(operation: operation, operands: [], type: type)
        if let known = constants[line] { return known }
        let value = append(operation, [], type)
        constants[line] = value
        return value
    }

    public static func == (a: Function, b: Function) -> Bool { a.lines == b.lines }

    public func hash(into hasher: inout Hasher) { hasher.combine(lines) }
}
