import Foundation
import PJRT
import StableHLO
import Tensor

/// Ways between the host and the device.
extension RecordingBackend {
    public func upload(_ bytes: UnsafeRawBufferPointer, to tensor: Tensor) {
        let element = tensor.dtype.element, region = region(of: tensor)
        precondition(bytes.count == tensor.count * tensor.dtype.byteSize, "\(bytes.count) bytes for \(tensor.shape)")
        locked { session in
            let count = region.count(of: element)
            guard tensor.count < count else {
                do { region.content = .device(try session.upload(bytes, element, count)) } catch { session.fail(error) }
                return
            }
            guard tensor.count > 0 else { return }
            if case .recorded = region.content { session.flush() }
            switch region.content {
            case .nothing, .filled, .host:
                let target = region.hostBytes(element, count)
                let start = target.bytes.baseAddress.map { $0 + tensor.offset * element.byteSize }
                if let base = bytes.baseAddress { start?.copyMemory(from: base, byteCount: bytes.count) }
                region.content = .host(target)
            case .device(let buffer):
                do {
                    let part = try session.upload(bytes, element, tensor.count)
                    region.content = .device(try session.replace(part, at: tensor.offset, in: buffer, element))
                } catch { session.fail(error) }
            case .recorded: preconditionFailure("a region is recorded after its program has ended")
            }
        }
    }

    public func download(_ tensor: Tensor, into bytes: UnsafeMutableRawBufferPointer) {
        let element = tensor.dtype.element, region = region(of: tensor)
        precondition(bytes.count == tensor.count * tensor.dtype.byteSize, "\(bytes.count) bytes for \(tensor.shape)")
        guard tensor.count > 0 else { return }
        locked { session in
            let count = region.count(of: element)
            if case .recorded = region.content { session.flush() }
            switch region.content {
            case .nothing, .filled, .host:
                let source = region.hostBytes(element, count)
                withExtendedLifetime(source) {
                    bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: source.bytes[tensor.byteRange]))
                }
            case .device(let buffer):
                do {
                    try session.download(buffer, from: tensor.offset, count: tensor.count, element, into: bytes)
                } catch {
                    bytes.initializeMemory(as: UInt8.self, repeating: 0)
                    session.fail(error)
                }
            case .recorded: preconditionFailure("a region is recorded after its program has ended")
            }
        }
    }

    public func readback(_ tensors: [Tensor]) -> Readback {
        for tensor in tensors {
            precondition(
                [.f32, .f64, .i32].contains(tensor.dtype),
                "\(tensor.dtype) \(tensor.shape) is not read back, but downloaded")
            _ = region(of: tensor)
        }
        // SAFETY: looked at under the lock only.
        nonisolated(unsafe) let pending = PendingReadback()
        record { $0.readBack(tensors, for: pending) }
        let types = tensors.map { ($0.dtype, $0.count) }
        return Readback { [self] in
            do {
                return try zip(buffers(of: pending), types).map { buffer, type in
                    try buffer.ready().wait(seconds: Session.patience)
                    switch type.0 {
                    case .f32: return try buffer.elements(Float(0), type.1).map(Double.init)
                    case .f64: return try buffer.elements(0.0, type.1)
                    default: return try buffer.elements(Int32(0), type.1).map(Double.init)
                    }
                }
            } catch {
                // Whoever reads back learns of an error, and nobody a second time.
                locked { $0.forgetFailure() }
                throw error
            }
        }
    }

    private func buffers(of pending: PendingReadback) throws -> [Buffer] {
        try locked { session in
            if pending.buffers == nil { session.flush() }
            session.countWait(forRun: pending.run)
            return try pending.buffers?.get() ?? []
        }
    }

    public func stage(_ tensor: Tensor) -> HostStage {
        let owner = HostBytes(count: tensor.count * tensor.dtype.byteSize)
        let bytes = UnsafeMutableRawBufferPointer(
            start: owner.bytes.baseAddress, count: tensor.count * tensor.dtype.byteSize)
        download(tensor, into: bytes)
        return HostStage(bytes: bytes, owner: owner) { [self] in upload($0, to: tensor) }
    }

    /// Where the tensor's memory lies on the device, once what was asked for has been done: tells whether it moved.
    package func address(of tensor: Tensor) throws -> UInt64? {
        let region = region(of: tensor)
        return try locked { session in
            session.flush()
            guard case .device(let buffer) = region.content else { return nil }
            return try buffer.address()
        }
    }

    public func synchronize() throws { try locked { try $0.synchronize() } }
}

extension Tensor {
    /// Its place in its memory, in bytes.
    fileprivate var byteRange: Range<Int> {
        elements.lowerBound * dtype.byteSize..<elements.upperBound * dtype.byteSize
    }
}

extension Buffer {
    fileprivate func elements<Number>(_ zero: Number, _ count: Int) throws -> [Number] {
        var elements = [Number](repeating: zero, count: count)
        try elements.withUnsafeMutableBytes { try download(into: $0) }
        return elements
    }
}

extension Session {
    /// The buffer with some elements replaced, in its own memory. The place is an argument, so that one program serves all.
    fileprivate func replace(_ part: Buffer, at start: Int, in buffer: Buffer, _ element: Element) throws -> Buffer {
        var function = Function()
        let whole = function.argument(TensorType(element, buffer.shape))
        let update = function.argument(TensorType(element, part.shape))
        let place = function.argument(TensorType(.i64, []))
        let result = function.dynamicUpdateSlice(whole, update, at: place)
        return try run(
            ProgramKey(function: function, results: [result], given: [0: 0]),
            [buffer, part, upload([Int64(start)], .i64, shape: [])])[0]
    }

    /// A whole buffer comes to the host for the sake of a part, if it has no more bytes than this.
    private static let wholeLimit = 1 << 20

    /// Waits for some elements of a buffer, and copies them to the host.
    fileprivate func download(
        _ buffer: Buffer, from start: Int, count: Int, _ element: Element, into bytes: UnsafeMutableRawBufferPointer
    ) throws {
        let isWhole = bytes.count == buffer.byteCount, isSmall = buffer.byteCount <= Self.wholeLimit
        let source = isWhole || isSmall ? buffer : try part(of: buffer, from: start, count: count, element)
        try source.ready().wait(seconds: Self.patience)
        guard isSmall, !isWhole else { return try source.download(into: bytes) }
        let all = HostBytes(count: buffer.byteCount)
        try withExtendedLifetime(all) {
            try source.download(into: all.bytes)
            let part = all.bytes[start * element.byteSize..<(start + count) * element.byteSize]
            bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
        }
    }

    /// Some elements of a buffer.
    fileprivate func part(of buffer: Buffer, from start: Int, count: Int, _ element: Element) throws -> Buffer {
        var function = Function()
        let whole = function.argument(TensorType(element, buffer.shape))
        let result = function.dynamicSlice(whole, from: function.argument(TensorType(.i64, [])), count: count)
        return try run(
            ProgramKey(function: function, results: [result], given: [:]),
            [buffer, upload([Int64(start)], .i64, shape: [])])[0]
    }
}
