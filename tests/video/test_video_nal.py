"""Units of H.264 and HEVC are taken apart, put together and read as the standards say."""

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from video_files import Recipe, make

from mlx_vader.video.nal import BitReader, escaped, packet_of, ue_bits, unescaped, units_of
from mlx_vader.video.parameter_sets import facts_of, free_id, record_of, set_id, units_of_record
from mlx_vader.video.renumbering import Renumbering

PAYLOADS = st.lists(st.sampled_from([0, 0, 1, 2, 3, 4, 255]), max_size=40).map(bytes)


@given(PAYLOADS)
def test_an_escaped_payload_holds_no_start_code_and_comes_back(payload):
    made = escaped(payload)
    assert not any(made[at : at + 2] == b"\0\0" and made[at + 2] < 3 for at in range(len(made) - 2))
    assert unescaped(made) == payload


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=5))
def test_units_of_a_packet_come_back(units):
    assert units_of(packet_of(units), 4) == units


def test_start_codes_of_both_lengths_part_units():
    assert units_of(b"\0\0\0\1\x65\x80\0\0\1\x41\x01\0\0\0\1\x06\x05", 0) == [
        b"\x65\x80",
        b"\x41\x01",
        b"\x06\x05",
    ]


@pytest.mark.parametrize("packet", [b"\0\0\0\5ab", b"\0\0\0\0", b"\0\0"])
def test_lengths_that_do_not_fill_a_packet_are_refused(packet):
    with pytest.raises(ValueError, match="do not fill"):
        units_of(packet, 4)


@given(st.lists(st.integers(0, 2**20), min_size=1, max_size=8))
def test_numbers_are_read_as_they_are_written(numbers):
    value, length = 1, 1
    for number in numbers:
        code, size = ue_bits(number)
        value, length = value << size | code, length + size
    padding = -length % 8
    bits = BitReader((value << padding).to_bytes((length + padding) // 8))
    bits.bits(1)
    assert [bits.ue() for _ in numbers] == numbers


def test_reading_beyond_the_end_is_refused():
    with pytest.raises(ValueError, match="too early"):
        BitReader(b"\0").ue()


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "chroma", "bits"),
    [
        ("a.mp4", "libx264", "yuv420p", 1, 8),
        ("a.mkv", "libx264", "yuv422p10le", 2, 10),
        ("b.mp4", "libx265", "yuv420p10le", 1, 10),
        ("b.mkv", "libx265", "yuv444p", 3, 8),
    ],
)
def test_a_record_is_read_and_written(tmp_path, name, codec, pix_fmt, chroma, bits):
    options = {"preset": "ultrafast", "x265-params": "log-level=none"}
    path = make(
        tmp_path / name, Recipe(codec=codec, pix_fmt=pix_fmt, pts=range(0, 2048, 512), options=options)
    )
    with av.open(str(path)) as container:
        family = container.streams.video[0].codec.canonical_name
        record = container.streams.video[0].codec_context.extradata
    units, size = units_of_record(family, record)
    facts = facts_of(family, units)[0]
    assert (size, facts.chroma, facts.luma_bits, facts.chroma_bits) == (4, chroma, bits, bits)
    assert not facts.fields
    assert units_of_record(family, record_of(family, units)) == (units, 4)
    assert {set_id(family, unit) for unit in units[: 2 + (family == "hevc")]} == {0}
    assert free_id(family, units[: 2 + (family == "hevc")]) == 1


def test_a_slice_whose_header_is_not_understood_is_refused(tmp_path):
    options = {"preset": "superfast", "x265-params": "log-level=none"}
    path = make(tmp_path / "a.mkv", Recipe(codec="libx265", pts=range(0, 4096, 512), options=options))
    with av.open(str(path)) as container:
        sets = units_of_record("hevc", container.streams.video[0].codec_context.extradata)[0]
        packets = [units_of(bytes(packet), 4) for packet in container.demux(video=0) if packet.size]
    renumbering = Renumbering(sets, 3, bytes(12))
    slices = [unit for packet in packets for unit in packet if unit[0] >> 1 < 32]
    made = [renumbering.unit(unit) for unit in slices]
    assert all(unit[-3:] == before[-3:] for unit, before in zip(made, slices, strict=True))
    assert {set_id("hevc", renumbering.unit(unit)) for unit in sets if unit[0] >> 1 < 35} == {3}
    with pytest.raises(ValueError, match=r"ends too early|end where it should"):
        renumbering.unit(slices[-1][:3] + bytes([slices[-1][3] ^ 255]) + bytes(len(slices[-1])))
