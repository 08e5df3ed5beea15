/// How a program is compiled: XLA's `CompileOptionsProto`, of which a few fields are written.
public struct CompileOptions: Sendable, Hashable {
    /// Devices that run the program, each on arguments of its own.
    public var replicas: Int
    /// Numbers of the replicas' devices; nil for the first ones.
    public var devices: [Int]?
    /// Whether the program may run on any one device, which is named when it runs. For one replica alone.
    public var isPortable = false
    /// XLA's flags by name. One that the plugin does not know is an error.
    public var flags: [String: OptionValue]

    public init(replicas: Int = 1, devices: [Int]? = nil, flags: [String: OptionValue] = [:]) {
        precondition(devices.map { $0.count == replicas } ?? true, "\(replicas) replicas on \(devices ?? [])")
        (self.replicas, self.devices, self.flags) = (replicas, devices, flags)
    }

    /// The message's bytes; equal options have equal bytes.
    ///
    /// Field 3 is the build's options: 1 the device (-1: as assigned), 4 and 5 the numbers of replicas and partitions, 9 which
    /// device each replica gets. Field 4 says that any device may run it. Field 7 maps names of flags to values: 1 a string, 2 a truth value, 3 an integer, 4 a double.
    public var bytes: [UInt8] {
        var devices = ProtobufWriter()
        for device in self.devices ?? Array(0..<replicas) { devices.varint(UInt64(device)) }
        var computation = ProtobufWriter()
        computation.message(1, devices)
        var assignment = ProtobufWriter()
        assignment.field(1, UInt64(replicas))
        assignment.field(2, 1)
        assignment.message(3, computation)
        var build = ProtobufWriter()
        build.field(1, UInt64(bitPattern: -1))
        build.field(4, UInt64(replicas))
        build.field(5, 1)
        if replicas > 1 { build.message(9, assignment) }
        var options = ProtobufWriter()
        options.message(3, build)
        if isPortable { options.field(4, 1) }
        for (name, value) in flags.sorted(by: { $0.key < $1.key }) {
            var content = ProtobufWriter()
            switch value {
            case .string(let string): content.string(1, string)
            case .boolean(let boolean): content.field(2, boolean ? 1 : 0)
            case .integer(let integer): content.field(3, UInt64(bitPattern: integer))
            case .real(let real): content.double(4, Double(real))
            }
            var entry = ProtobufWriter()
            entry.string(1, name)
            entry.message(2, content)
            options.message(7, entry)
        }
        return options.bytes
    }
}

/// Writes fields of protocol buffers.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    mutating func varint(_ value: UInt64) {
        var rest = value
        while rest > 127 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 128)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func field(_ number: UInt64, _ value: UInt64) {
        varint(number << 3)
        varint(value)
    }

    mutating func double(_ number: UInt64, _ value: Double) {
        varint(number << 3 | 1)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func string(_ number: UInt64, _ value: String) { content(number, Array(value.utf8)) }

    mutating func message(_ number: UInt64, _ value: ProtobufWriter) { content(number, value.bytes) }

    private mutating func content(_ number: UInt64, _ content: [UInt8]) {
        varint(number << 3 | 2)
        varint(UInt64(content.count))
        bytes += content
    }
}
