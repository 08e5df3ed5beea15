import CFFmpeg
import Foundation
import LAMData

/// Writes films whose frames bear their numbers, in any container and by any encoder of libavcodec, and reads the numbers off
/// decoded pictures.
struct Film {
    var codec = "libx264"
    var pixelFormat = "yuv420p"
    var width = 64
    var height = 48
    var framesPerKeyframe = 12
    var bFrames: Int32 = 0
    /// When each frame is shown, in milliseconds; nil: 30 frames a second.
    var milliseconds: [Int64]?
    var options: [String: String] = [:]
    /// Options of the container.
    var muxer: [String: String] = [:]
    var isInterlaced = false
    /// Clockwise, in degrees, as the container's display matrix says.
    var turn = 0.0
    /// Number of the first frame.
    var first = 0

    struct Failure: Error {
        let what: String
    }

    /// - Returns: the path.
    @discardableResult
    func write(_ path: String, frames: Int) throws -> String {
        func check(_ code: Int32, _ what: String) throws { if code < 0 { throw Failure(what: "\(what): \(code)") } }
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
        var output: UnsafeMutablePointer<AVFormatContext>?
        try check(avformat_alloc_output_context2(&output, nil, nil, path), "container")
        guard let output, let encoder = avcodec_find_encoder_by_name(codec),
            let context = avcodec_alloc_context3(encoder), let stream = avformat_new_stream(output, nil)
        else { throw Failure(what: "no encoder \(codec)") }
        var freeing: UnsafeMutablePointer<AVCodecContext>? = context
        defer {
            avcodec_free_context(&freeing)
            avio_closep(&output.pointee.pb)
            avformat_free_context(output)
        }
        context.pointee.width = Int32(width)
        context.pointee.height = Int32(height)
        context.pointee.pix_fmt = av_get_pix_fmt(pixelFormat)
        context.pointee.time_base = milliseconds == nil ? AVRational(num: 1, den: 30) : AVRational(num: 1, den: 1000)
        context.pointee.framerate = AVRational(num: 30, den: 1)
        context.pointee.gop_size = Int32(framesPerKeyframe)
        context.pointee.max_b_frames = bFrames
        context.pointee.bit_rate = 2_000_000
        context.pointee.strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL
        context.pointee.thread_count = 1
        if isInterlaced { context.pointee.flags |= 1 << 18 | 1 << 29 }
        if output.pointee.oformat.pointee.flags & AVFMT_GLOBALHEADER != 0 {
            context.pointee.flags |= lam_codec_global_header
        }
        var dictionary: OpaquePointer?
        defer { av_dict_free(&dictionary) }
        for (key, value) in options { av_dict_set(&dictionary, key, value, 0) }
        try check(avcodec_open2(context, encoder, &dictionary), "open \(codec)")
        try check(avcodec_parameters_from_context(stream.pointee.codecpar, context), "parameters")
        stream.pointee.time_base = context.pointee.time_base
        stream.pointee.avg_frame_rate = context.pointee.framerate
        if turn != 0 {
            let matrix = av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, 36)
            matrix?.withMemoryRebound(to: Int32.self, capacity: 9) { av_display_rotation_set($0, turn) }
        }
        try check(avio_open(&output.pointee.pb, path, AVIO_FLAG_WRITE), "file")
        var muxing: OpaquePointer?
        defer { av_dict_free(&muxing) }
        for (key, value) in muxer { av_dict_set(&muxing, key, value, 0) }
        try check(avformat_write_header(output, &muxing), "header")
        var packet = av_packet_alloc()
        defer { av_packet_free(&packet) }
        func drain() throws {
            while avcodec_receive_packet(context, packet) >= 0 {
                av_packet_rescale_ts(packet, context.pointee.time_base, stream.pointee.time_base)
                packet?.pointee.stream_index = 0
                try check(av_interleaved_write_frame(output, packet), "packet")
            }
        }
        for number in 0..<frames {
            var frame = picture(first + number, of: context)
            defer { av_frame_free(&frame) }
            frame?.pointee.pts = milliseconds?[number] ?? Int64(number)
            try check(avcodec_send_frame(context, frame), "frame")
            try drain()
        }
        avcodec_send_frame(context, nil)
        try drain()
        try check(av_write_trailer(output), "trailer")
        return path
    }

    /// Eight bars, white for the bits of the number that are set, the lowest bit at the left.
    private func picture(
        _ number: Int, of context: UnsafeMutablePointer<AVCodecContext>
    ) -> UnsafeMutablePointer<AVFrame>? {
        let bars = (0..<height).flatMap { _ in
            (0..<width).flatMap { x -> [UInt8] in
                let value: UInt8 = number >> (x * 8 / width) & 1 == 1 ? 255 : 0
                return [value, value, value]
            }
        }
        let frame = av_frame_alloc()
        frame?.pointee.width = Int32(width)
        frame?.pointee.height = Int32(height)
        frame?.pointee.format = context.pointee.pix_fmt.rawValue
        if isInterlaced { frame?.pointee.interlaced_frame = 1 }
        av_frame_get_buffer(frame, 0)
        let scaler = sws_getContext(
            Int32(width), Int32(height), AV_PIX_FMT_RGB24, Int32(width), Int32(height), context.pointee.pix_fmt,
            SWS_POINT, nil, nil, nil)
        defer { sws_freeContext(scaler) }
        bars.withUnsafeBufferPointer { source in
            var planes: [UnsafePointer<UInt8>?] = [source.baseAddress, nil, nil, nil]
            var strides: [Int32] = [Int32(width * 3), 0, 0, 0]
            guard let frame else { return }
            withUnsafeMutablePointer(to: &frame.pointee.data) { data in
                data.withMemoryRebound(to: UnsafeMutablePointer<UInt8>?.self, capacity: 8) { target in
                    withUnsafeMutablePointer(to: &frame.pointee.linesize) { sizes in
                        sizes.withMemoryRebound(to: Int32.self, capacity: 8) {
                            _ = sws_scale(scaler, &planes, &strides, 0, Int32(height), target, $0)
                        }
                    }
                }
            }
        }
        return frame
    }

    /// The number that a picture bears.
    static func number(on image: RGBImage) -> Int {
        (0..<8).reduce(0) { number, bit in
            let x = (2 * bit + 1) * image.width / 16
            let place = (image.height / 2 * image.width + x) * 3
            return number | (image.pixels[place] > 127 ? 1 << bit : 0)
        }
    }

    /// Numbers of all frames by the plainest decode there is, from the first packet to the last.
    static func numbers(in path: String) throws -> [Int] {
        var opened: UnsafeMutablePointer<AVFormatContext>?
        guard avformat_open_input(&opened, path, nil, nil) >= 0, let container = opened,
            avformat_find_stream_info(container, nil) >= 0
        else { throw Failure(what: "cannot open \(path)") }
        defer { avformat_close_input(&opened) }
        let place = av_find_best_stream(container, AVMEDIA_TYPE_VIDEO, -1, -1, nil, 0)
        guard place >= 0, let stream = container.pointee.streams[Int(place)],
            let codec = avcodec_find_decoder(stream.pointee.codecpar.pointee.codec_id)
        else { throw Failure(what: "no video in \(path)") }
        var context = avcodec_alloc_context3(codec)
        defer { avcodec_free_context(&context) }
        avcodec_parameters_to_context(context, stream.pointee.codecpar)
        context?.pointee.thread_count = 1
        guard avcodec_open2(context, codec, nil) >= 0 else { throw Failure(what: "cannot decode \(path)") }
        var (packet, frame) = (av_packet_alloc(), av_frame_alloc())
        defer {
            av_packet_free(&packet)
            av_frame_free(&frame)
        }
        var numbers: [Int] = []
        func drain() {
            while avcodec_receive_frame(context, frame) >= 0, let frame { numbers.append(number(on: frame)) }
        }
        while av_read_frame(container, packet) >= 0 {
            if packet?.pointee.stream_index == place {
                avcodec_send_packet(context, packet)
                drain()
            }
            av_packet_unref(packet)
        }
        avcodec_send_packet(context, nil)
        drain()
        return numbers
    }

    private static func number(on frame: UnsafeMutablePointer<AVFrame>) -> Int {
        let (width, height) = (frame.pointee.width, frame.pointee.height)
        let scaler = sws_getContext(
            width, height, AVPixelFormat(rawValue: frame.pointee.format), width, height, AV_PIX_FMT_RGB24, SWS_POINT,
            nil,
            nil, nil)
        defer { sws_freeContext(scaler) }
        let stride = (Int(width) * 3 + 63) / 64 * 64
        var rows = [UInt8](repeating: 0, count: stride * (Int(height) + 1))
        rows.withUnsafeMutableBufferPointer { target in
            var planes: [UnsafeMutablePointer<UInt8>?] = [target.baseAddress, nil, nil, nil]
            let strides: [Int32] = [Int32(stride), 0, 0, 0]
            withUnsafePointer(to: &frame.pointee.data) { data in
                data.withMemoryRebound(to: UnsafePointer<UInt8>?.self, capacity: 8) { source in
                    withUnsafePointer(to: &frame.pointee.linesize) { sizes in
                        sizes.withMemoryRebound(to: Int32.self, capacity: 8) {
                            _ = sws_scale(scaler, source, $0, 0, height, &planes, strides)
                        }
                    }
                }
            }
        }
        let pixels = (0..<Int(height)).flatMap { rows[$0 * stride..<$0 * stride + Int(width) * 3] }
        return number(on: RGBImage(width: Int(width), height: Int(height), pixels: pixels))
    }
}
