"""Makes the files that the tests of this room read, with PyAV alone: nothing of the code under test."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.packet import Packet

H264 = {"crf": "12", "preset": "veryfast", "bf": "2", "g": "12"}


@dataclass
class Recipe:
    """What a file holds. `audio` and `subtitles` list languages; `texts` are shown for half a second each."""

    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    size: tuple[int, int] = (96, 64)
    pts: Sequence[int] = tuple(range(0, 24 * 512, 512))
    time_base: Fraction = Fraction(1, 12800)
    rate: Fraction = Fraction(25)
    options: dict[str, str] = field(default_factory=lambda: dict(H264))
    tags: tuple[int, int, int, int] = (2, 2, 2, 0)
    aspect: Fraction = Fraction(1)
    audio: Sequence[str] = ()
    audio_codec: str = "aac"
    audio_start: Fraction = Fraction(0)
    subtitles: Sequence[str] = ()
    subtitle_codec: str = "subrip"
    texts: Sequence[str] = ("first line", "second <i>line</i>")
    chapters: Sequence[str] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    cover: bytes = b""
    attachment: bytes = b""


def picture(index: int, size: tuple[int, int]) -> np.ndarray:
    """A smooth, colourful picture that moves with `index`; uint8 RGB."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin((x + 3 * index) / 17 + k) + np.cos((y - 2 * index) / 13 - k) for k in range(3)]
    return (np.stack(waves, -1) * 50 + 128).astype(np.uint8)


def make(path: Path, recipe: Recipe) -> Path:
    """Writes the file and returns its path."""
    with av.open(str(path), "w") as output:
        output.metadata.update(recipe.metadata)
        video = _add_video(output, recipe)
        packets = list(_video_packets(video, recipe))
        length = (recipe.pts[-1] + 1 - recipe.pts[0]) * recipe.time_base
        for language in recipe.audio:
            packets += _audio_packets(_add_audio(output, recipe, language), recipe, float(length))
        for language in recipe.subtitles:
            packets += _subtitle_packets(_add_subtitles(output, recipe, language), recipe)
        if recipe.cover and path.suffix == ".mkv":
            output.add_attachment("cover.png", "image/png", recipe.cover)
        elif recipe.cover:
            packets += _cover_packets(output, recipe.cover)
        if recipe.attachment:
            output.add_attachment("note.txt", "text/plain", recipe.attachment)
        output.set_chapters(_chapters(recipe.chapters))
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            output.mux(packet)
    return path


def _add_video(output: av.container.OutputContainer, recipe: Recipe) -> av.VideoStream:
    width, height = recipe.size
    stream = output.add_stream(
        recipe.codec,
        rate=recipe.rate,
        options=recipe.options,
        width=width,
        height=height,
        time_base=recipe.time_base,
    )
    context = stream.codec_context
    context.pix_fmt = recipe.pix_fmt
    context.sample_aspect_ratio = recipe.aspect
    context.color_primaries, context.color_trc, context.colorspace, context.color_range = recipe.tags
    return stream


def _video_packets(stream: av.VideoStream, recipe: Recipe) -> Iterable[Packet]:
    for index, pts in enumerate(recipe.pts):
        frame = av.VideoFrame.from_ndarray(picture(index, recipe.size), format="rgb24")
        matrix = {9: 9, 1: 1}.get(recipe.tags[2], 5)
        full = recipe.tags[3] == 2
        frame = frame.reformat(format=recipe.pix_fmt, dst_colorspace=matrix, dst_color_range=2 if full else 1)
        frame.pts, frame.time_base = pts, recipe.time_base
        yield from _stamped(stream, stream.encode(frame))
    yield from _stamped(stream, stream.encode(None))


def _stamped(stream: av.stream.Stream, packets: Iterable[Packet]) -> Iterable[Packet]:
    for packet in packets:
        packet.stream = stream
        yield packet


def _add_audio(output: av.container.OutputContainer, recipe: Recipe, language: str) -> av.AudioStream:
    stream = output.add_stream(recipe.audio_codec, rate=48000)
    stream.metadata.update(language=language, title=f"Sound in {language}")
    stream.disposition = av.stream.Disposition.default if language == recipe.audio[0] else 0
    return stream


def _audio_packets(stream: av.AudioStream, recipe: Recipe, seconds: float) -> Iterable[Packet]:
    frequency = 220 * (1 + len(stream.metadata["title"]) + ord(stream.metadata["language"][0]) % 7)
    layout, frame_size = "stereo", 1024
    start = round(recipe.audio_start * 48000)
    for first in range(0, int(seconds * 48000), frame_size):
        time = (first + np.arange(frame_size)) / 48000
        wave = np.sin(2 * np.pi * frequency * time) * 0.3
        samples = np.stack([wave, -wave]).astype(np.float32)
        if recipe.audio_codec.startswith("pcm_s16"):
            interleaved = (samples.T.reshape(1, -1) * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(interleaved), format="s16", layout=layout)
        else:
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = 48000, start + first, Fraction(1, 48000)
        yield from _stamped(stream, stream.encode(frame))
    yield from _stamped(stream, stream.encode(None))


def _add_subtitles(output: av.container.OutputContainer, recipe: Recipe, language: str) -> av.stream.Stream:
    stream = output.add_mux_stream(recipe.subtitle_codec)
    stream.time_base = Fraction(1, 1000)
    stream.metadata["language"] = language
    return stream


def _subtitle_packets(stream: av.stream.Stream, recipe: Recipe) -> Iterable[Packet]:
    for index, text in enumerate(recipe.texts):
        data = text.encode()
        packet = Packet(struct.pack(">H", len(data)) + data if recipe.subtitle_codec == "mov_text" else data)
        packet.time_base = Fraction(1, 1000)
        packet.pts = packet.dts = 500 * index
        packet.duration = 400
        packet.stream = stream
        yield packet


def _cover_packets(output: av.container.OutputContainer, png: bytes) -> Iterable[Packet]:
    stream = output.add_mux_stream("png", width=16, height=16)
    stream.disposition = av.stream.Disposition.attached_pic
    stream.metadata.update(filename="cover.png", mimetype="image/png")
    packet = Packet(png)
    packet.pts = packet.dts = 0
    packet.time_base = Fraction(1, 90000)
    packet.is_keyframe = True
    packet.stream = stream
    yield packet


def _chapters(titles: Sequence[str]) -> list[dict]:
    return [
        {
            "id": number,
            "start": 300 * number,
            "end": 300 * (number + 1),
            "time_base": Fraction(1, 1000),
            "metadata": {"title": title},
        }
        for number, title in enumerate(titles)
    ]


def turn(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Writes a display matrix (a, b, c, d) into every video track header of an MP4."""
    data = bytearray(path.read_bytes())
    position = data.find(b"tkhd")
    while position >= 0:
        version = data[position + 4]
        place = position + 4 + (52 if version else 40)
        a, b, c, d = (value * 65536 for value in matrix)
        data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
        position = data.find(b"tkhd", position + 4)
    path.write_bytes(data)
    return path


def packets_of(path: Path, kind: str) -> list[list[bytes]]:
    """The packets of each stream of one kind."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        found: dict[int, list[bytes]] = {stream.index: [] for stream in streams}
        for packet in container.demux(streams):
            if packet.size:
                found[packet.stream.index].append(bytes(packet))
    return list(found.values())


def times_of(path: Path, kind: str) -> list[list[Fraction]]:
    """When the packets of each stream of one kind are due, in seconds."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        found: dict[int, list[Fraction]] = {stream.index: [] for stream in streams}
        for packet in container.demux(streams):
            if packet.size:
                found[packet.stream.index].append(packet.pts * packet.time_base)
    return [sorted(times) for times in found.values()]
