import PJRT
import StableHLO

/// The end of a recording: what of it is wanted, and by whom.
struct Ending {
    private(set) var results: [Value] = []
    /// For arguments that nobody else needs, the result that takes their memory.
    private(set) var given: [Int: Int] = [:]
    private var regions: [(region: Region, result: Int)] = []
    private let readbacks: [PendingReadback]

    /// Looks at every region that the recording touched: gone, as it was, of one number, or with another content.
    init(_ recording: Recording) {
        readbacks = recording.readbacks
        // Of a region that was uploaded whole in between, the last content counts.
        var seen: Set<ObjectIdentifier> = []
        for touched in recording.touched.reversed() {
            guard let region = touched.region, seen.insert(ObjectIdentifier(region)).inserted,
                case .recorded(let pieces) = region.content,
                let element = region.element
            else { continue }
            switch pieces.single {
            case .undefined: region.content = .nothing
            case .filled(let bits): region.content = .filled(bits)
            case .value(let value) where value == touched.argument?.value:
                guard let number = touched.argument?.number, case .buffer(let buffer) = recording.arguments[number]
                else { preconditionFailure("a region of numbers") }
                region.content = .device(buffer)
            default:
                if let number = touched.argument?.number { given[number] = results.count }
                regions.append((region, results.count))
                results.append(Self.whole(pieces, element, in: &recording.function))
            }
        }
        for readback in readbacks { results += readback.values }
    }

    private static func whole(_ pieces: Pieces, _ element: Element, in function: inout Function) -> Value {
        let parts = pieces.pieces.map { piece -> Value in
            switch piece.source {
            case .undefined: function.constant(bits: 0, element, [piece.range.count])
            case .filled(let bits): function.constant(bits: bits, element, [piece.range.count])
            case .value(let value): function.reshape(value, [piece.range.count])
            }
        }
        return function.concatenate(parts, axis: 0)
    }

    /// Gives the results to those who want them.
    ///
    /// - Parameter run: how many programs had begun with this one.
    func keep(_ buffers: [Buffer], ofRun run: Int) {
        for (region, result) in regions { region.content = .device(buffers[result]) }
        var place = regions.count
        for readback in readbacks {
            readback.buffers = .success(Array(buffers[place..<place + readback.values.count]))
            readback.run = run
            place += readback.values.count
        }
    }

    /// Tells them that there are none.
    func drop(_ error: any Error) {
        for (region, _) in regions { region.content = .nothing }
        for readback in readbacks { readback.buffers = .failure(error) }
    }
}
