import Devices
import Formats
import Foundation
import LAM
import Tensor

/// Case `fsq`: finite scalar quantisation alone, in both ways of bounding channels.
struct ScalarQuantizerParity {
    private static let values = ParityTolerance.relativeToMax(2e-6)

    let folder: String

    func run() throws -> ParityReport {
        var report = ParityReport(folder: folder)
        let config = try ParityConfig(folder: folder)
        let inputs = try SafeTensors(path: folder + "/inputs.safetensors")
        let expected = try SafeTensors(path: folder + "/outputs_f32.safetensors")
        let backend = Device.open()
        for name in try config.keys("cases") {
            let levels = try config.integers("cases", name, "levels", in: 2...255)
            guard levels.reduce(1.0, { $0 * Double($1) }) <= Double(1 << 20) else {
                throw ParityError.badConfig(path: folder + "/config.json", key: "cases.\(name).levels")
            }
            let stored = try inputs.tensor("\(name).z"), weight = try inputs.tensor("\(name).w")
            guard stored.shape.count == 2, stored.shape[1] == levels.count, weight.shape == stored.shape else {
                throw ParityError.badTensor(
                    path: inputs.path, name: "\(name).z", expected: "rows of \(levels.count)", got: stored.shape)
            }
            report.compare(
                "\(name).implicit_codebook", ScalarLevels(levels).codebook,
                to: try expected.tensor("\(name).implicit_codebook"), within: Self.values)
            for bound in ScalarLevels.Bound.allCases {
                let table = ScalarLevels(levels, bound: bound)
                let part = "\(name).\(bound.rawValue)"
                let tape = Tape(on: backend, recording: true)
                let x = tape.variable(backend.tensor(stored.floats(), stored.shape))
                let (codes, indices) = tape.scalarCodes(x, table)
                tape.backward(
                    from: tape.rowProducts(codes, backend.tensor(weight.floats(), stored.shape), rows: 1))
                let values = backend.floats(codes)
                report.compare(
                    "\(part).codes", values, to: try expected.tensor("\(part).codes"), within: Self.values)
                report.compare(
                    "\(part).indices", backend.int32s(indices).map(Double.init),
                    to: try expected.integers("\(part).indices"), within: .exact)
                let digits = values.indices.map { place -> Double in
                    let step = Double(levels[place % levels.count] / 2)
                    return (Double(values[place]) * step).rounded() + step
                }
                report.compare(
                    "\(part).digits", digits, to: try expected.integers("\(part).digits"), within: .exact)
                report.compare(
                    "\(part).grad_z", tape.gradient(of: x).map(backend.floats) ?? [],
                    to: try expected.tensor("\(part).grad_z"), within: Self.values)
                try compareBounded(table, stored, part, expected, backend, into: &report)
            }
        }
        return report
    }

    /// The values before they are rounded, made of the same table by operations of their own.
    private func compareBounded(
        _ table: ScalarLevels, _ stored: StoredTensor, _ part: String, _ expected: SafeTensors,
        _ backend: any Backend, into report: inout ParityReport
    ) throws {
        let channels = table.channels
        let bounded = stored.floats().enumerated().map { place, value in
            tanhf(value + table.shift[place % channels]) * table.half[place % channels]
                - table.offset[place % channels]
        }
        report.compare("\(part).bounded", bounded, to: try expected.tensor("\(part).bounded"), within: Self.values)
    }
}

extension SafeTensors {
    /// The elements of a tensor of integers or booleans.
    func integers(_ name: String) throws -> [Double] { try tensor(name).int64s().map { Double($0) } }
}

extension ParityConfig {
    /// Names of the entries of an object.
    func keys(_ path: String...) throws -> [String] {
        guard let object = value(path) as? [String: Any] else { throw fault(path) }
        return object.keys.sorted()
    }

    /// A list of integers within a range.
    func integers(_ path: String..., in range: ClosedRange<Int>) throws -> [Int] {
        guard let numbers = value(path) as? [NSNumber] else { throw fault(path) }
        let integers = numbers.compactMap { Int(exactly: $0) }
        guard integers.count == numbers.count, !integers.isEmpty, integers.count <= 1024,
            integers.allSatisfy(range.contains)
        else { throw fault(path) }
        return integers
    }
}
