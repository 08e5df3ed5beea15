#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/cpu.h>
#include <libavutil/avutil.h>
#include <libavutil/display.h>
#include <libavutil/error.h>
#include <libavutil/imgutils.h>
#include <libavutil/log.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

// Names for macros that Swift does not import, and for types that differ between FFmpeg releases.

static const int lam_averror_eof = AVERROR_EOF;
static const int lam_averror_io = AVERROR(EIO);
static const int lam_averror_again = AVERROR(EAGAIN);
static const int64_t lam_av_nopts = AV_NOPTS_VALUE;
static const int lam_codec_global_header = AV_CODEC_FLAG_GLOBAL_HEADER;

static inline const uint8_t *lam_frame_plane(const AVFrame *frame, int plane) { return frame->data[plane]; }
static inline int lam_frame_stride(const AVFrame *frame, int plane) { return frame->linesize[plane]; }
static inline uint8_t *lam_frame_plane_mutable(AVFrame *frame, int plane) { return frame->data[plane]; }

// SwsContext is opaque up to FFmpeg 7.0 and a plain struct after: behind void * it is the same to Swift.
static inline void *lam_sws_create(int width, int height, enum AVPixelFormat format, int colorspace, int full_range) {
    struct SwsContext *context =
        sws_getContext(width, height, format, width, height, AV_PIX_FMT_RGB24, SWS_BILINEAR, NULL, NULL, NULL);
    // Values of AVColorSpace index libswscale's tables; those it has none for, and "unspecified", mean BT.601.
    if (context) {
        int unity = 1 << 16;
        int space = colorspace == AVCOL_SPC_RGB ? SWS_CS_DEFAULT : colorspace;
        sws_setColorspaceDetails(context, sws_getCoefficients(space), full_range,
                                 sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, unity, unity);
    }
    return context;
}

static inline int lam_sws_convert(void *context, const AVFrame *frame, uint8_t *rgb, int stride) {
    uint8_t *planes[4] = {rgb, NULL, NULL, NULL};
    int strides[4] = {stride, 0, 0, 0};
    return sws_scale((struct SwsContext *)context, (const uint8_t *const *)frame->data, frame->linesize, 0,
                     frame->height, planes, strides);
}

// RGB to 4:2:0 of BT.601 with limited range, which is what readers take a video without colour tags for.
static inline void *lam_sws_create_encoding(int width, int height) {
    int flags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INP;
    return sws_getContext(width, height, AV_PIX_FMT_RGB24, width, height, AV_PIX_FMT_YUV420P, flags, NULL, NULL, NULL);
}

static inline int lam_sws_convert_encoding(void *context, const uint8_t *rgb, int stride, AVFrame *frame) {
    const uint8_t *planes[4] = {rgb, NULL, NULL, NULL};
    int strides[4] = {stride, 0, 0, 0};
    return sws_scale((struct SwsContext *)context, planes, strides, 0, frame->height, frame->data, frame->linesize);
}

static inline void lam_sws_free(void *context) { sws_freeContext((struct SwsContext *)context); }
