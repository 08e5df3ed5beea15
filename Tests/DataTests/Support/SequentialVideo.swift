import CFFmpeg
import Foundation

/// The plainest decoder there is, as the standard of comparison: a file from its first packet to its last, every frame
/// kept. Shares no code with the module under test.
struct SequentialVideo {
    struct Frame {
        let seconds: Double
        let width: Int
        let height: Int
        /// Y, U and V without padding, one after the other.
        let planes: [UInt8]
        /// By libswscale as BT.601 with limited range, `[H, W, 3]`: right for files without colour tags.
        let rgb: [UInt8]
    }

    let frames: [Frame]

    init(path: String) throws {
        struct CannotDecode: Error {}
        var context: UnsafeMutablePointer<AVFormatContext>?
        guard avformat_open_input(&context, path, nil, nil) >= 0, let context,
            avformat_find_stream_info(context, nil) >= 0
        else { throw CannotDecode() }
        let number = av_find_best_stream(context, AVMEDIA_TYPE_VIDEO, -1, -1, nil, 0)
        let stream = context.pointee.streams[Int(number)]!
        let codec = avcodec_alloc_context3(avcodec_find_decoder(stream.pointee.codecpar.pointee.codec_id))!
        avcodec_parameters_to_context(codec, stream.pointee.codecpar)
        codec.pointee.thread_count = 1
        guard avcodec_open2(codec, nil, nil) >= 0 else { throw CannotDecode() }
        let packet = av_packet_alloc()!
        let picture = av_frame_alloc()!
        let tick = Double(stream.pointee.time_base.num) / Double(stream.pointee.time_base.den)

        var frames: [Frame] = []
        func receive() {
            while avcodec_receive_frame(codec, picture) >= 0 {
                frames.append(Self.frame(picture, seconds: Double(picture.pointee.pts) * tick))
            }
        }
        while av_read_frame(context, packet) >= 0 {
            if packet.pointee.stream_index == number {
                avcodec_send_packet(codec, packet)
                receive()
            }
            av_packet_unref(packet)
        }
        avcodec_send_packet(codec, nil)
        receive()
        self.frames = frames

        var closing:
            (
                UnsafeMutablePointer<AVFormatContext>?, UnsafeMutablePointer<AVCodecContext>?,
                UnsafeMutablePointer<AVPacket>?,
                UnsafeMutablePointer<AVFrame>?
            ) = (context, codec, packet, picture)
        avformat_close_input(&closing.0)
        avcodec_free_context(&closing.1)
        av_packet_free(&closing.2)
        av_frame_free(&closing.3)
    }

    private static func frame(_ picture: UnsafeMutablePointer<AVFrame>, seconds: Double) -> Frame {
        let width = Int(picture.pointee.width)
        let height = Int(picture.pointee.height)
        var planes: [UInt8] = []
        for plane in 0..<3 {
            let columns = plane == 0 ? width : (width + 1) / 2
            let rows = plane == 0 ? height : (height + 1) / 2
            for row in 0..<rows {
                let start = lam_frame_plane(picture, Int32(plane))! + row * Int(lam_frame_stride(picture, Int32(plane)))
                planes += UnsafeBufferPointer(start: start, count: columns)
            }
        }
        let converter = lam_sws_create(
            Int32(width), Int32(height), AVPixelFormat(rawValue: picture.pointee.format), 2, 0)
        let stride = (width + 15) / 16 * 48
        var padded = [UInt8](repeating: 0, count: stride * (height + 1))
        _ = lam_sws_convert(converter, picture, &padded, Int32(stride))
        lam_sws_free(converter)
        var rgb: [UInt8] = []
        for row in 0..<height { rgb += padded[row * stride..<row * stride + width * 3] }
        return Frame(seconds: seconds, width: width, height: height, planes: planes, rgb: rgb)
    }
}
