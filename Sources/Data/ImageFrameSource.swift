/// Frames of a camera that is stored as encoded pictures in the data files.
final class ImageFrameSource: FrameSource {
    private let dataset: LeRobotDataset
    private let camera: Camera

    init(dataset: LeRobotDataset, camera: Camera, maximumOpenFiles: Int) {
        self.dataset = dataset
        self.camera = camera
    }

    func image(episode: Episode, frame: Int) throws -> RGBImage {
        throw DataError.noCameras(dataset: dataset.name)
    }
}
