/// Numbers from -1 to 1, the same every time.
struct Numbers {
    var state: UInt64 = 7

    mutating func next() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 11) / Double(1 << 52) - 1
    }

    mutating func next(_ count: Int) -> [Double] { (0..<count).map { _ in next() } }

    mutating func index(below bound: Int) -> Int { min(bound - 1, Int((next() + 1) / 2 * Double(bound))) }
}
