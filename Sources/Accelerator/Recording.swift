import PJRT
import StableHLO
import Tensor

/// A program while a backend is asked for its operations.
///
/// Regions that the program reads become its arguments, flat and whole; what it leaves in regions that are still in use when it
/// ends are its results. Numbers that differ from one run to the next, such as learning rates, are arguments, too, so that
/// the program stays the same.
final class Recording {
    /// Where an argument comes from.
    enum Argument {
        case buffer(Buffer)
        /// Numbers from a place of `numbers` on.
        case numbers(from: Int)
    }

    struct Touched {
        weak var region: Region?
        /// The argument that holds what was there before.
        var argument: (number: Int, value: Value)?
    }

    var function = Function()
    private(set) var arguments: [Argument] = []
    private(set) var touched: [Touched] = []
    private(set) var readbacks: [PendingReadback] = []
    private(set) var numbers: [Float] = []
    private var numberChunk: Value?
    /// What went wrong while arguments were brought to the device.
    private(set) var failure: (any Error)?
    private let upload: (_ bytes: UnsafeRawBufferPointer, _ element: Element, _ count: Int) throws -> Buffer

    /// Numbers that make up an argument.
    static let numbersPerArgument = 64

    init(upload: @escaping (_ bytes: UnsafeRawBufferPointer, _ element: Element, _ count: Int) throws -> Buffer) {
        self.upload = upload
    }

    // MARK: Values of tensors

    /// The elements of a tensor, in its shape.
    func read(_ tensor: Tensor) -> Value {
        let element = tensor.dtype.element
        let parts = pieces(of: tensor).read(tensor.elements, in: &function)
        if parts.count == 1, case .filled(let bits) = parts[0].source {
            return function.constant(bits: bits, element, tensor.shape)
        }
        let values = parts.map { part -> Value in
            switch part.source {
            case .undefined: function.constant(bits: 0, element, [part.range.count])
            case .filled(let bits): function.constant(bits: bits, element, [part.range.count])
            case .value(let value):
                parts.count == 1 ? value : function.reshape(value, [part.range.count])
            }
        }
        guard !values.isEmpty else { return function.constant(bits: 0, element, tensor.shape) }
        return function.reshape(function.concatenate(values, axis: 0), tensor.shape)
    }

    /// The same as f32.
    func floats(_ tensor: Tensor) -> Value { function.convert(read(tensor), to: .f32) }

    /// The same as a matrix: the last axis as columns, all others as rows.
    func matrix(_ tensor: Tensor) -> Value {
        let columns = tensor.shape.last ?? 1
        return function.reshape(read(tensor), [columns == 0 ? 0 : tensor.count / columns, columns])
    }

    /// Gives a tensor its elements, rounded to its type; the shape may be another of equal count.
    func write(_ value: Value, to tensor: Tensor) {
        precondition(value.type.count == tensor.count, "\(value.type) for a tensor \(tensor.shape)")
        var pieces = pieces(of: tensor)
        let rounded = function.convert(value, to: tensor.dtype.element)
        pieces.write(.value(rounded), to: tensor.elements, in: &function)
        region(of: tensor).content = .recorded(pieces)
    }

    /// The same, added to what is there.
    func add(_ value: Value, to tensor: Tensor) {
        if let bits = fill(of: tensor), bits == 0 { return write(value, to: tensor) }
        write(function.add(read(tensor), function.reshape(value, tensor.shape)), to: tensor)
    }

    func write(_ value: Value, to tensor: Tensor, accumulate: Bool) {
        if accumulate { add(value, to: tensor) } else { write(value, to: tensor) }
    }

    func fill(_ tensor: Tensor, bits: UInt64) {
        var pieces = pieces(of: tensor)
        pieces.write(.filled(bits), to: tensor.elements, in: &function)
        region(of: tensor).content = .recorded(pieces)
    }

    /// The bits of every element, where these are known to be one constant.
    private func fill(of tensor: Tensor) -> UInt64? {
        let parts = pieces(of: tensor).read(tensor.elements, in: &function)
        if parts.count == 1, case .filled(let bits) = parts[0].source { return bits }
        return nil
    }

    /// Makes memory of one number everywhere an argument like any other. What an optimiser keeps is that in its first step
    /// alone, and all steps shall be one program.
    func hold(_ tensor: Tensor) {
        let region = region(of: tensor), element = tensor.dtype.element, count = region.count(of: element)
        switch region.content {
        case .nothing, .filled: region.content = .host(region.hostBytes(element, count))
        case .host, .device, .recorded: break
        }
    }

    /// A number that may be another in the next run.
    func number(_ value: Float) -> Value {
        let place = numbers.count % Self.numbersPerArgument
        if place == 0 {
            numberChunk = function.argument(TensorType(.f32, [Self.numbersPerArgument]))
            arguments.append(.numbers(from: numbers.count))
        }
        numbers.append(value)
        guard let numberChunk else { preconditionFailure("a number without an argument") }
        return function.reshape(function.slice(numberChunk, axis: 0, place..<place + 1), [])
    }

    /// Elements that the host wants, as they are now.
    func readBack(_ tensors: [Tensor], for readback: PendingReadback) {
        readback.values = tensors.map { function.reshape(read($0), [$0.count]) }
        readbacks.append(readback)
    }

    // MARK: Regions

    private func region(of tensor: Tensor) -> Region {
        guard let region = tensor.memory as? Region else {
            preconditionFailure("a tensor \(tensor.shape) of the \(tensor.memory.backend) backend")
        }
        return region
    }

    /// What the program has made of a tensor's region so far.
    private func pieces(of tensor: Tensor) -> Pieces {
        let region = region(of: tensor), element = tensor.dtype.element, count = region.count(of: element)
        switch region.content {
        case .recorded(let pieces): return pieces
        case .nothing: return touch(region, Pieces(count: count, .undefined), argument: nil)
        case .filled(let bits): return touch(region, Pieces(count: count, .filled(bits)), argument: nil)
        case .device(let buffer): return take(region, buffer, element, count)
        case .host(let host):
            do {
                let whole = UnsafeRawBufferPointer(rebasing: host.bytes.prefix(count * element.byteSize))
                return take(region, try upload(whole, element, count), element, count)
            } catch {
                failure = failure ?? error
                return touch(region, Pieces(count: count, .undefined), argument: nil)
            }
        }
    }

    private func take(_ region: Region, _ buffer: Buffer, _ element: Element, _ count: Int) -> Pieces {
        let value = function.argument(TensorType(element, [count]))
        arguments.append(.buffer(buffer))
        return touch(region, Pieces(count: count, .value(value)), argument: (arguments.count - 1, value))
    }

    private func touch(_ region: Region, _ pieces: Pieces, argument: (number: Int, value: Value)?) -> Pieces {
        touched.append(Touched(region: region, argument: argument))
        region.content = .recorded(pieces)
        return pieces
    }
}

extension Tensor {
    /// Its place in its memory.
    var elements: Range<Int> { offset..<offset + count }
}

/// Elements that the host will ask for.
final class PendingReadback {
    /// In the program that is recorded.
    var values: [Value] = []
    /// Once it runs; or what went wrong.
    var buffers: Result<[Buffer], any Error>?
    /// How many programs had begun with it.
    var run = 0
}
