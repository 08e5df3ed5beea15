"""Writes this dataset and expected.json (RGB by Pillow). Needs pyarrow, Pillow, numpy; run here."""
import base64
import io
import json
import os
import struct
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

H, W, N = 12, 17, 4
for folder in ("meta", "data/chunk-000", "images"):
    os.makedirs(folder, exist_ok=True)


def picture(i):
    y, x = np.mgrid[0:H, 0:W]
    return Image.fromarray(np.stack([(x * 13 + i * 30) % 256, (y * 20) % 256, (x + y + i * 9) * 5 % 256], -1).astype(np.uint8))


def encoded(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def rgb(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


modes = [picture(0), picture(1).convert("L"), picture(2).quantize(16), picture(3).convert("RGBA")]
files = [encoded(image, format="PNG") for image in modes]
for i, data in enumerate(files):
    with open(f"images/frame_{i}.png", "wb") as file:
        file.write(data)
jpegs = [encoded(picture(i), format="JPEG", quality=95, subsampling=0) for i in range(N)]
huge = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
table = pa.table({
    "observation.images.path": pa.array([{"bytes": None, "path": f"images/frame_{i}.png"} for i in range(N)], image),
    "observation.images.jpeg": pa.array([{"bytes": b, "path": None} for b in jpegs], image),
    "observation.images.bad": pa.array([
        {"bytes": files[0][:60], "path": None}, {"bytes": b"no picture", "path": None},
        {"bytes": None, "path": "../outside.png"}, {"bytes": huge, "path": None}], image),
    "timestamp": pa.array([i / 5 for i in range(N)], pa.float32()),
    "frame_index": pa.array(range(N), pa.int64()),
    "episode_index": pa.array([0] * N, pa.int64()),
    "index": pa.array(range(N), pa.int64()),
    "task_index": pa.array([0] * N, pa.int64()),
})
pq.write_table(table, "data/chunk-000/episode_000000.parquet")
features = {f"observation.images.{k}": {"dtype": "image", "shape": [H, W, 3], "names": ["height", "width", "channels"]}
            for k in ("path", "jpeg", "bad")}
for name, dtype in [("timestamp", "float32"), ("frame_index", "int64"), ("episode_index", "int64"), ("index", "int64"), ("task_index", "int64")]:
    features[name] = {"dtype": dtype, "shape": [1], "names": None}
info = {"codebase_version": "v2.1", "robot_type": None, "total_episodes": 1, "total_frames": N, "total_tasks": 1,
        "total_videos": 0, "total_chunks": 1, "chunks_size": 1000, "fps": 5, "splits": {"train": "0:1"},
        "data_path": "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet", "video_path": None,
        "features": features}
json.dump(info, open("meta/info.json", "w"), indent=1)
open("meta/tasks.jsonl", "w").write('{"task_index": 0, "task": "look"}\n')
open("meta/episodes.jsonl", "w").write(json.dumps({"episode_index": 0, "tasks": ["look"], "length": N}) + "\n")
json.dump({k: [base64.b64encode(rgb(d).tobytes()).decode() for d in v] for k, v in (("path", files), ("jpeg", jpegs))},
          open("expected.json", "w"), indent=1)
