import PJRT
import StableHLO
import Tensor

/// Memory of a recording backend: an array of one type, which is wherever it was last needed.
final class Region: DeviceMemory, @unchecked Sendable {
    // SAFETY: the backend that made the region looks at and changes it under its lock only.
    enum Content {
        /// Nothing was written yet.
        case nothing
        /// One element, by its bits, everywhere.
        case filled(UInt64)
        /// On the host, where it was written in parts.
        case host(HostBytes)
        /// On the device, flat.
        case device(Buffer)
        /// Being computed by the program that is recorded.
        case recorded(Pieces)
    }

    var content = Content.nothing
    /// Type of the elements, from the first time they are used.
    private(set) var element: Element?
    unowned let owner: RecordingBackend

    init(byteCount: Int, of owner: RecordingBackend) {
        self.owner = owner
        super.init(byteCount: byteCount, of: owner.name)
    }

    /// Number of elements of a type.
    func count(of element: Element) -> Int {
        if let known = self.element {
            precondition(known == element, "memory of \(known.rawValue) used as \(element.rawValue)")
        }
        self.element = element
        return byteCount / element.byteSize
    }
}

extension Region {
    /// What is not on the device, as bytes of the host.
    func hostBytes(_ element: Element, _ count: Int) -> HostBytes {
        if case .host(let bytes) = content { return bytes }
        let bytes = HostBytes(count: count * element.byteSize)
        guard case .filled(var bits) = content, bits != 0 else { return bytes }
        withUnsafeBytes(of: &bits) { pattern in
            for place in 0..<count * element.byteSize { bytes.bytes[place] = pattern[place % element.byteSize] }
        }
        return bytes
    }
}

/// Bytes on the host at an address of their own.
final class HostBytes {
    let bytes: UnsafeMutableRawBufferPointer

    /// All bytes are zero.
    init(count: Int) {
        bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 64)
        bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { bytes.deallocate() }
}

extension DType {
    /// The type in programs.
    var element: Element {
        switch self {
        case .f32: .f32
        case .bf16: .bf16
        case .f64: .f64
        case .i32: .i32
        case .u8: .ui8
        }
    }
}

extension Element {
    /// The type of buffers.
    var bufferType: ElementType {
        switch self {
        case .i1: .bool
        case .i32: .s32
        case .i64: .s64
        case .ui8: .u8
        case .ui32: .u32
        case .f32: .f32
        case .f64: .f64
        case .bf16: .bf16
        }
    }
}
