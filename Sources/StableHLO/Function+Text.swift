/// How a program is spelt: StableHLO, one operation in a line.
extension Function {
    /// The whole module.
    ///
    /// - Parameters:
    ///   - results: what it returns.
    ///   - given: for arguments that are given away, the result that takes their memory.
    public func text(results: [Value], given: [Int: Int] = [:]) -> String {
        let inputs = arguments.enumerated().map { place, type in
            let alias = given[place].map { " {tf.aliasing_output = \($0) : i32}" } ?? ""
            return "%a\(place): \(type)\(alias)"
        }
        var text = "module @program"
        if replicas > 1 { text += " attributes {mhlo.num_replicas = \(replicas) : i32}" }
        text += " {\n  func.func public @main(" + inputs.joined(separator: ", ") + ") -> ("
        text += results.map { "\($0.type)" }.joined(separator: ", ") + ") {\n"
        for (place, line) in lines.enumerated() {
            if case .argument = line.operation { continue }
            text += "    %\(place) = "
            text += spelt(line)
            text += "\n"
        }
        text += "    return " + results.map { name(of: $0.place) }.joined(separator: ", ") + " : "
        text += results.map { "\($0.type)" }.joined(separator: ", ") + "\n  }\n}\n"
        return text
    }

    private func name(of place: Int) -> String {
        if case .argument(let number) = lines[place].operation { "%a\(number)" } else { "%\(place)" }
    }

    private func spelt(_ line: Line) -> String {
        let names = line.operands.map { name(of: $0) }, types = line.operands.map { lines[$0].type }, type = line.type
        let list = names.joined(separator: ", ")
        let signature = " : (" + types.map { "\($0)" }.joined(separator: ", ") + ") -> \(type)"
        switch line.operation {
        case .argument: preconditionFailure("an argument is no line")
        case .constant(let bits): return "stablehlo.constant dense<\(Self.literal(bits, type.element))> : \(type)"
        case .iota(let axis): return "stablehlo.iota dim = \(axis) : \(type)"
        // Not of StableHLO itself but of its companion, which every plugin knows.
        case .unary(.erf): return "chlo.erf \(list) : \(type) -> \(type)"
        case .unary(let operation): return "stablehlo.\(operation.rawValue) \(list) : \(type)"
        case .binary(let operation): return "stablehlo.\(operation.rawValue) \(list) : \(type)"
        case .compare(let comparison):
            let kind = types[0].element.isFloating ? "FLOAT" : "SIGNED"
            return "stablehlo.compare \(comparison.rawValue), \(list), \(kind)\(signature)"
        case .select: return "stablehlo.select \(list) : \(types[0]), \(type)"
        case .convert: return "stablehlo.convert \(list)\(signature)"
        case .reshape: return "stablehlo.reshape \(list)\(signature)"
        case .transpose(let axes): return "stablehlo.transpose \(list), dims = \(axes)\(signature)"
        case .broadcast(let axes): return "stablehlo.broadcast_in_dim \(list), dims = \(axes)\(signature)"
        case .slice(let starts, let ends, let strides):
            let ranges = starts.indices.map { place in
                "\(starts[place]):\(ends[place])" + (strides[place] == 1 ? "" : ":\(strides[place])")
            }
            return "stablehlo.slice \(list) [" + ranges.joined(separator: ", ") + "]\(signature)"
        case .concatenate(let axis): return "stablehlo.concatenate \(list), dim = \(axis)\(signature)"
        case .pad(let low, let high):
            let none = [Int](repeating: 0, count: low.count)
            return "stablehlo.pad \(list), low = \(low), high = \(high), interior = \(none)\(signature)"
        case .dynamicSlice(let sizes): return "stablehlo.dynamic_slice \(list), sizes = \(sizes)\(signature)"
        case .dynamicUpdateSlice: return "stablehlo.dynamic_update_slice \(list)\(signature)"
        case .reduce(let reduction, let axes):
            return "stablehlo.reduce(\(names[0]) init: \(names[1])) applies stablehlo.\(reduction.rawValue) "
                + "across dimensions = \(axes)\(signature)"
        case .dot(let axes, let precision): return Self.dot(axes, precision, list) + signature
        case .convolution(let window, let precision): return Self.convolution(window, precision, list) + signature
        case .gatherRows: return Self.gather(width: type.shape[1], list) + signature
        case .scatterAddRows: return Self.scatter(type.element, list) + signature
        case .allReduce(let replicas): return Self.allReduce(type.element, replicas, list) + signature
        case .barrier: return "stablehlo.optimization_barrier \(list) : \(type)"
        }
    }

    /// Numbers that are not finite, and those of types with fractions, by their bits.
    private static func literal(_ bits: UInt64, _ element: Element) -> String {
        func hex(_ digits: Int) -> String {
            let plain = String(bits, radix: 16, uppercase: true)
            return "0x" + String(repeating: "0", count: max(0, digits - plain.count)) + plain
        }
        return switch element {
        case .f64: hex(16)
        case .f32: hex(8)
        case .bf16: hex(4)
        case .i32: "\(Int32(truncatingIfNeeded: bits))"
        case .i64: "\(Int64(bitPattern: bits))"
        case .ui32, .ui8: "\(bits)"
        case .i1: bits == 0 ? "false" : "true"
        }
    }
}
