import StableHLO

/// What a region holds at some point of a program: runs of elements, each of one origin. Writing into a part replaces the
/// runs there, so that nothing is copied that nobody reads.
package struct Pieces {
    package enum Source {
        /// Never written.
        case undefined
        /// One element, by its bits, everywhere.
        case filled(UInt64)
        /// As many elements as the run has, in any shape.
        case value(Value)
    }

    package struct Piece {
        package var range: Range<Int>
        package var source: Source
    }

    /// In order, without gaps.
    package private(set) var pieces: [Piece]

    package init(count: Int, _ source: Source) {
        pieces = [Piece(range: 0..<count, source: source)]
    }

    /// The origin of all elements, where it is one.
    var single: Source? { pieces.count == 1 ? pieces[0].source : nil }

    /// Replaces a run.
    package mutating func write(_ source: Source, to range: Range<Int>, in function: inout Function) {
        guard !range.isEmpty else { return }
        let first = pieces.firstIndex { $0.range.upperBound > range.lowerBound } ?? pieces.count
        var last = first
        var replacement: [Piece] = []
        while last < pieces.count, pieces[last].range.lowerBound < range.upperBound {
            let piece = pieces[last]
            if piece.range.lowerBound < range.lowerBound {
                let before = piece.range.lowerBound..<range.lowerBound
                replacement.append(Self.part(before, of: piece, in: &function))
            }
            if piece.range.upperBound > range.upperBound {
                let after = range.upperBound..<piece.range.upperBound
                replacement.append(Self.part(after, of: piece, in: &function))
            }
            last += 1
        }
        let place = replacement.firstIndex { $0.range.lowerBound >= range.upperBound } ?? replacement.count
        replacement.insert(Piece(range: range, source: source), at: place)
        pieces.replaceSubrange(first..<last, with: replacement)
    }

    /// The elements of a run.
    package func read(_ range: Range<Int>, in function: inout Function) -> [Piece] {
        guard !range.isEmpty else { return [] }
        var parts: [Piece] = []
        for piece in pieces where piece.range.overlaps(range) {
            parts.append(Self.part(piece.range.clamped(to: range), of: piece, in: &function))
        }
        return parts
    }

    private static func part(_ range: Range<Int>, of piece: Piece, in function: inout Function) -> Piece {
        guard case .value(let value) = piece.source, range != piece.range else {
            return Piece(range: range, source: piece.source)
        }
        let start = range.lowerBound - piece.range.lowerBound
        let flat = function.reshape(value, [piece.range.count])
        return Piece(range: range, source: .value(function.slice(flat, axis: 0, start..<start + range.count)))
    }
}
