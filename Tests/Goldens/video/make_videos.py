"""Writes the videos of this folder and expected.json. Needs PyAV and numpy; run here: python make_videos.py"""
import fractions
import hashlib
import json
import os

import av
import numpy as np


def picture(i, width, height):
    """A moving gradient with a square: every frame differs from every other."""
    y, x = np.mgrid[0:height, 0:width]
    image = np.stack([(x * 3 + i * 5) % 256, (y * 4 + i * 2) % 256, (x + y + i * 7) % 256], -1).astype(np.uint8)
    left = (i * 3) % max(1, width - 8)
    image[4:12, left:left + 8] = (255, 255 - i * 4 % 256, i * 6 % 256)
    return image


def encode(path, codec, width, height, frames, options, pts=None, rate=10, shift=0, mux=None, time_base=None, tags=None):
    pts = pts or list(range(frames))
    time_base = time_base or fractions.Fraction(1, rate)
    container = av.open(path, "w", options=mux or {})
    stream = container.add_stream(codec, rate=rate, options=options)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.codec_context.time_base = time_base
    for key, value in (tags or {}).items():
        setattr(stream.codec_context, key, value)
    packets = []
    for i in range(frames):
        frame = av.VideoFrame.from_ndarray(picture(i, width, height), "rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = pts[i], time_base
        for key, value in (tags or {}).items():
            setattr(frame, key, value)
        packets += stream.encode(frame)
    packets += stream.encode(None)
    for packet in packets:
        if shift:
            packet.pts -= shift
            packet.dts -= shift
        container.mux(packet)
    container.close()


def concatenate(path, parts):
    """Packets of several one-stream files one after the other, under the first one's header."""
    output, stream, offset = av.open(path, "w"), None, 0
    for part in parts:
        source = av.open(part)
        video = source.streams.video[0]
        stream = stream or output.add_stream_from_template(video)
        last = 0
        for packet in source.demux(video):
            if packet.pts is None:
                continue
            last = max(last, packet.pts + packet.duration)
            packet.pts += offset
            packet.dts = packet.pts
            packet.stream = stream
            output.mux(packet)
        offset += last
    output.close()


x264 = {"g": "12", "bf": "2", "crf": "30", "x264-params": "b-adapt=0:scenecut=0"}
encode("hevc_bframes.mp4", "libx265", 64, 48, 30,
       {"crf": "32", "x265-params": "keyint=8:min-keyint=8:bframes=3:open-gop=0:log-level=0:info=0"})
encode("hevc_open_gop.mp4", "libx265", 64, 48, 30,
       {"crf": "32", "x265-params": "keyint=8:min-keyint=8:bframes=3:open-gop=1:log-level=0:info=0"})
encode("vp9_odd_size.mp4", "libvpx-vp9", 61, 35, 30, {"g": "10", "crf": "40", "b": "0"})
encode("vp9.webm", "libvpx-vp9", 64, 48, 24, {"g": "6", "crf": "40", "b": "0"}, rate=30)
irregular = [0, 1, 2, 5, 6, 9, 10, 11, 12, 20, 21, 22, 23, 24, 30, 31, 32, 40, 41, 42, 43, 44, 45, 60]
encode("h264_variable_rate.mp4", "libx264", 64, 48, 24, x264, pts=irregular)
encode("h264_edit_list.mp4", "libx264", 64, 48, 30, x264, shift=5 * 1024, mux={"avoid_negative_ts": "disabled"},
       time_base=fractions.Fraction(1, 10240), pts=[i * 1024 for i in range(30)])
encode("mpeg4_bframes.mp4", "mpeg4", 64, 48, 30, {"g": "10", "bf": "2", "qscale": "8", "flags": "+qscale"})
encode("h264_full_range.mp4", "libx264", 64, 48, 6, {"x264-params": "fullrange=on"}, tags={"color_range": 2})
encode("h264_bt709.mp4", "libx264", 64, 48, 6,
       {"x264-params": "colorprim=bt709:transfer=bt709:colormatrix=bt709"}, tags={"colorspace": 1, "color_range": 1})
encode("av1_full_range.mp4", "libsvtav1", 64, 64, 6, {"svtav1-params": "color-range=1"}, tags={"color_range": 2})
encode("h264_coarse_clock.mp4", "libx264", 64, 48, 12, x264, rate=5, mux={"video_track_timescale": "5"})
encode("a.tmp.webm", "libvpx-vp9", 64, 48, 6, {"g": "6", "crf": "40", "b": "0"})
encode("b.tmp.webm", "libvpx-vp9", 48, 32, 6, {"g": "6", "crf": "40", "b": "0"})
concatenate("vp9_changes_size.webm", ["a.tmp.webm", "b.tmp.webm"])
encode("h264.mov", "libx264", 64, 48, 12, x264)
encode("mpeg4.avi", "mpeg4", 64, 48, 12, {"g": "6", "bf": "0", "qscale": "8", "flags": "+qscale"})
os.remove("a.tmp.webm")
os.remove("b.tmp.webm")

expected = {}
for name in sorted(os.listdir(".")):
    if not name.endswith((".mp4", ".webm")) or "changes" in name:
        continue
    frames = []
    container = av.open(name)
    for frame in container.decode(video=0):
        planes = b""
        for index, plane in enumerate(frame.planes):
            width, height = (frame.width, frame.height) if index == 0 else ((frame.width + 1) // 2, (frame.height + 1) // 2)
            rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:height, :width]
            planes += rows.tobytes()
        entry = {"seconds": round(frame.time, 6), "sha256_yuv": hashlib.sha256(planes).hexdigest()}
        if frame.height % 2 == 0:  # PyAV interpolates chroma for odd heights
            entry["sha256_rgb24"] = hashlib.sha256(frame.to_ndarray(format="rgb24").tobytes()).hexdigest()
        frames.append(entry)
    expected[name] = {"codec": container.streams.video[0].codec_context.codec.canonical_name,
                      "width": frame.width, "height": frame.height, "frames": frames}
    print(name, os.path.getsize(name), len(frames), [f["seconds"] for f in frames][:8], expected[name]["codec"])
json.dump(expected, open("expected.json", "w"), indent=1)
