import Datasets
import Video

extension HDF5Dataset {
    /// What is done to a camera's pictures.
    ///
    /// - Parameters:
    ///   - flip, order: override what the files tell or their kind makes likely.
    public func look(of camera: Camera, flip: FrameOrientation? = nil, order: ChannelOrder? = nil) -> CameraLook {
        CameraLook(
            flip: flip ?? orientation, exchangesRedAndBlue: (order ?? channelOrder(of: camera)) == .bgr,
            obeysMarks: order == nil && chosenOrder == nil)
    }

    /// Raw pictures are RGB; of encoded ones many recorders give RGB to an encoder that takes BGR.
    func channelOrder(of camera: Camera) -> ChannelOrder {
        chosenOrder ?? (sizes[camera.key] == nil ? encodedOrder.order : .rgb)
    }

    /// What was assumed of a camera's pictures, as far as nothing overrides it.
    public func notes(on camera: Camera, flip: FrameOrientation?, order: ChannelOrder?) -> [LookNote] {
        var notes: [LookNote] = []
        if flip == nil, let orientationReason {
            notes.append(
                LookNote("pictures are \(orientation.description): \(orientationReason); data.flip overrides this"))
        }
        if order == nil, chosenOrder == nil, sizes[camera.key] == nil {
            notes.append(
                LookNote(
                    "JPEG is taken as \(encodedOrder.order.rawValue.uppercased()), \(encodedOrder.reason); "
                        + "data.channel_order overrides this"))
        }
        return notes
    }
}
