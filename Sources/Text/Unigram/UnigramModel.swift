/// A unigram language model over pieces (Kudo 2018) and the search for a text's likeliest cut.
///
/// Scores are added in f64. A character without a piece of its own costs ten less than the least likely piece; neighbours of
/// that kind are one unknown piece.
struct UnigramModel {
    /// UTF-8 of each piece, in the order of ids.
    private let pieces: [[UInt8]]
    private let scores: [Double]
    /// Ids in the order of their pieces' bytes; of equal pieces the last.
    private let sorted: [Int]
    private let unknownScore: Double
    let unknownID: Int

    private static let unknownPenalty = 10.0

    /// - Parameters:
    ///   - pieces: by id; at least one.
    ///   - unknownID: of them.
    init(pieces: [(text: String, score: Double)], unknownID: Int) {
        let bytes = pieces.map { Array($0.text.utf8) }
        var last: [[UInt8]: Int] = [:]
        last.reserveCapacity(bytes.count)
        for (id, piece) in bytes.enumerated() where !piece.isEmpty { last[piece] = id }
        sorted = last.values.sorted { bytes[$0].lexicographicallyPrecedes(bytes[$1]) }
        self.pieces = bytes
        scores = pieces.map(\.score)
        unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
        self.unknownID = unknownID
    }

    var count: Int { pieces.count }

    /// The id of a piece.
    func id(of piece: [UInt8]) -> Int? {
        var found: Int?
        forEachPiece(at: 0, of: piece) { id, length in if length == piece.count { found = id } }
        return found
    }

    /// The likeliest cut of a text: ids, with the bytes of each.
    func cut(_ text: String) -> [(id: Int, bytes: ArraySlice<UInt8>)] {
        struct Node {
            var start = -1
            var id = 0
            var score = 0.0
        }
        let bytes = Array(text.utf8)
        var nodes = [Node](repeating: Node(), count: bytes.count + 1)
        func offer(_ id: Int, _ score: Double, from start: Int, to end: Int) {
            let total = nodes[start].score + score
            if nodes[end].start < 0 || total > nodes[end].score {
                nodes[end] = Node(start: start, id: id, score: total)
            }
        }
        var start = 0
        while start < bytes.count {
            let length = Self.scalarLength(bytes[start])
            var hasCharacter = false
            forEachPiece(at: start, of: bytes) { id, count in
                offer(id, scores[id], from: start, to: start + count)
                if count == length { hasCharacter = true }
            }
            let end = min(start + length, bytes.count)
            if !hasCharacter { offer(unknownID, unknownScore, from: start, to: end) }
            start = end
        }
        var result: [(id: Int, bytes: ArraySlice<UInt8>)] = []
        var end = bytes.count
        while end > 0 {
            let node = nodes[end]
            if node.id == unknownID, let next = result.last, next.id == unknownID {
                result[result.count - 1].bytes = bytes[node.start..<next.bytes.endIndex]
            } else {
                result.append((node.id, bytes[node.start..<end]))
            }
            end = node.start
        }
        return result.reversed()
    }

    /// Calls `visit` with every piece that `bytes` have at `start`, the shortest first.
    private func forEachPiece(at start: Int, of bytes: [UInt8], _ visit: (_ id: Int, _ length: Int) -> Void) {
        var range = 0..<sorted.count
        for length in 1...max(1, bytes.count - start) where start + length <= bytes.count {
            let byte = bytes[start + length - 1]
            // All pieces of the range have the first `length - 1` bytes in common.
            func bound(_ isBefore: (UInt8) -> Bool) -> Int {
                var (low, high) = (range.lowerBound, range.upperBound)
                while low < high {
                    let middle = (low + high) / 2
                    let piece = pieces[sorted[middle]]
                    if piece.count < length || isBefore(piece[length - 1]) { low = middle + 1 } else { high = middle }
                }
                return low
            }
            range = bound { $0 < byte }..<bound { $0 <= byte }
            guard !range.isEmpty else { return }
            let first = sorted[range.lowerBound]
            if pieces[first].count == length { visit(first, length) }
        }
    }

    /// Bytes of the scalar that begins with `byte`.
    private static func scalarLength(_ byte: UInt8) -> Int {
        byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4
    }
}
