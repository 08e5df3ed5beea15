import Foundation

extension LeRobotMetadata {
    /// v3.0: Parquet tables, several episodes per data file and per video. SPEC_LEROBOT §3.
    static func readV3(root: String, info: DatasetInfo) throws -> LeRobotMetadata {
        throw DataError.unsupportedVersion(path: root, version: info.codebaseVersion.rawValue, supported: ["v2.1"])
    }
}
