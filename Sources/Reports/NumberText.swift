import Foundation

extension Double {
    /// Four significant digits.
    package var formatted4: String { String(format: "%.4g", self) }

    /// One digit behind the point, as places in a drawing have it.
    var tenths: String { String(format: "%.1f", self) }
}

extension Int {
    /// At least two digits, so that names sort by number.
    package var twoDigits: String { self < 10 ? "0\(self)" : "\(self)" }
}
