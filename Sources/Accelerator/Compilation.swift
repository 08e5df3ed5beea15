import PJRT

/// Tells of programs that are being compiled, which takes from a second to minutes.
public enum Compilation: Sendable {
    /// A program of so many operations begins to be compiled.
    case began(operations: Int)
    ///
    /// - Parameter memory: what the program needs of a device's memory, where the plugin says so.
    case ended(operations: Int, seconds: Double, memory: Executable.Memory?)
    /// It was found in the store.
    case loaded(operations: Int, seconds: Double, memory: Executable.Memory?)
}

/// How a backend compiles programs.
public struct CompilationSettings: Sendable {
    /// XLA's flags.
    public var options: CompileOptions
    /// Where compiled programs are kept; nil for nowhere.
    public var store: ExecutableStore?
    /// Learns of programs that take their time.
    public var observer: (@Sendable (Compilation) -> Void)?

    public init(
        options: CompileOptions = CompileOptions(), store: ExecutableStore? = nil,
        observer: (@Sendable (Compilation) -> Void)? = nil
    ) {
        (self.options, self.store, self.observer) = (options, store, observer)
    }

    /// Programs of fewer operations are compiled at once, and neither kept nor told of.
    static let smallProgram = 200
}
