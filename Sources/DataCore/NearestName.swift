/// The name that a mistyped one was probably meant to be.
package enum NearestName {
    /// The candidate with the fewest edits, if these are few for the name's length; capitals, and `-` for `_`, count for
    /// nothing.
    package static func find(_ name: String, in candidates: [String]) -> String? {
        let typed = plain(name.prefix(64))
        let scored = candidates.map { (name: $0, edits: edits(typed, plain($0))) }
        guard let best = scored.min(by: { $0.edits < $1.edits }) else { return nil }
        return best.edits <= max(1, min(typed.count, best.name.utf8.count) / 3) ? best.name : nil
    }

    private static func plain(_ name: some StringProtocol) -> [UInt8] {
        name.lowercased().utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }
    }

    /// Levenshtein's distance, with the swap of two neighbours as one edit (optimal string alignment).
    private static func edits(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var row = [i + 1]
            for (j, y) in b.enumerated() {
                var cost = min(last[j] + (x == y ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, x == b[j - 1], a[i - 1] == y { cost = min(cost, beforeLast[j - 1] + 1) }
                row.append(cost)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }

    /// `; did you mean X?`, or nothing.
    package static func hint(_ name: String, in candidates: [String]) -> String {
        find(name, in: candidates).map { "; did you mean \($0)?" } ?? ""
    }
}
