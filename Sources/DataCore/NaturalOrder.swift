/// Names with numbers in them as people order them: `demo_2` before `demo_10`.
package enum NaturalOrder {
    package static func precedes(_ a: String, _ b: String) -> Bool {
        var (x, y) = (Substring(a), Substring(b))
        while let first = x.first, let second = y.first {
            if first.isASCII, first.isNumber, second.isASCII, second.isNumber {
                let (n, m) = (digits(&x), digits(&y))
                // Without leading zeros the longer number is the larger one.
                if n.count != m.count { return n.count < m.count }
                if n != m { return n < m }
            } else {
                if first != second { return first < second }
                x.removeFirst()
                y.removeFirst()
            }
        }
        return x.isEmpty != y.isEmpty ? x.isEmpty : a < b
    }

    private static func digits(_ text: inout Substring) -> Substring {
        let run = text.prefix { $0.isASCII && $0.isNumber }
        text = text.dropFirst(run.count)
        return run.drop { $0 == "0" }
    }
}
