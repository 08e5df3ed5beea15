import DataCore
import Datasets

/// The features that a conversion keeps.
struct ColumnSelection {
    let features: Set<String>
    let cameras: [Camera]

    /// - Parameters:
    ///   - dropped: names of features or cameras, with or without `observation.images.`.
    ///   - features, cameras: what there is.
    /// - Throws: `ConversionError.unknownColumn` for a name that is neither, such as `timestamp`, which is made anew.
    init(dropping dropped: [String], from features: [String], cameras: [Camera], dataset: String) throws {
        var keptFeatures = Set(features)
        var keptCameras = cameras
        for name in dropped {
            let key = [name, Camera.prefix + name].first { key in cameras.contains { $0.key == key } }
            if features.contains(name) {
                keptFeatures.remove(name)
            } else if let key {
                keptCameras.removeAll { $0.key == key }
            } else {
                throw ConversionError.unknownColumn(
                    dataset: dataset, column: name, known: features + cameras.map(\.key))
            }
        }
        (self.features, self.cameras) = (keptFeatures, keptCameras)
    }
}
