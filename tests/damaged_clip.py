"""A clip that is damaged here and there, for the rooms that read videos."""

from pathlib import Path

import av
import numpy as np

from mlx_vader.video import read_clip

#: Frames that are damaged: two in a row, and one far from them.
DAMAGED = (3, 4, 25)


def make_damaged(path: Path, source: Path) -> Path:
    """30 frames of `source` in H.264, 88x72, all of them keyframes, so that damage does not spread."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=25, width=88, height=72, options={"g": "1", "crf": "20"}
        )
        stream.pix_fmt = "yuv420p"
        for number, rgb in enumerate(read_clip(source, 0, 30)[:, ::2, ::2]):
            frame = av.VideoFrame.from_ndarray((255 * rgb + 0.5).astype(np.uint8), "rgb24")
            frame.pts = number
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    for packet in (packets[number] for number in DAMAGED):
        start, stop = packet.pos + 40, packet.pos + packet.size
        data[start:stop] = np.random.default_rng(packet.pts).bytes(stop - start)
    path.write_bytes(data)
    return path
