import DataCore

/// What a new dataset takes over as it is.
public struct ConversionExtras: Sendable {
    package var robotType: String?
    /// Entries of `info.json`.
    package var info: [(key: String, value: JSON)] = []
    /// Files of `meta`.
    package var files: [(name: String, path: String)] = []
    /// Entries of `features`, by the source's names, for cameras whose videos stay as they are.
    package var descriptions: [String: JSON] = [:]

    package init(
        robotType: String? = nil, info: [(key: String, value: JSON)] = [], files: [(name: String, path: String)] = []
    ) {
        (self.robotType, self.info, self.files) = (robotType, info, files)
    }
}
