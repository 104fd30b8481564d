"""Parameter sets of H.264 and HEVC: what a decoder must know before pictures, and the record of them in a file.

MP4 and Matroska hold them in one record for the whole stream, called avcC and hvcC after MP4's boxes; broadcasts repeat
them among the pictures. Numbers in parentheses are sections of the standards.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mlx_vader.video.nal import LENGTH_SIZE, BitReader, unescaped, units_of

#: The types of units that are parameter sets, in the order in which a decoder wants them.
SETS = {"h264": (7, 8), "hevc": (32, 33, 34)}
_SPS = {"h264": 7, "hevc": 33}

#: Supplemental information that a record may hold beside the sets.
_HEVC_SEI = (39, 40)

#: So many ids can be given to sets of every type.
_IDS = {"h264": 32, "hevc": 16}

#: H.264's profiles whose sequence parameter sets tell chroma and depth (7.3.2.1.1).
_H264_HIGH = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})

#: Bytes that tell profile and level: H.264's profile, constraints and level; HEVC's profile_tier_level (7.3.3).
PROFILE_BYTES = {"h264": 3, "hevc": 12}


@dataclass(frozen=True)
class SequenceFacts:
    """What a sequence parameter set says.

    `profile`: the bytes that tell profile and level. `chroma`: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4. `held`: how many
    pictures a decoder holds. `fields`: whether pictures may be coded as fields. `layers` and `nested`: those of time.
    """

    profile: bytes
    chroma: int
    luma_bits: int
    chroma_bits: int
    held: int
    fields: bool = False
    layers: int = 1
    nested: bool = True


def unit_type(codec: str, unit: bytes) -> int:
    """The type of a NAL unit."""
    return unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63


def is_set(codec: str, unit: bytes) -> bool:
    """Whether a unit is a parameter set."""
    return unit_type(codec, unit) in SETS[codec]


def set_id(codec: str, unit: bytes) -> int:
    """The number of a parameter set among those of its type."""
    kind, payload = unit_type(codec, unit), unescaped(unit)
    if codec == "h264":
        return BitReader(payload[4 if kind == _SPS[codec] else 1 :]).ue()
    if kind == 32:
        return payload[2] >> 4
    if kind == 34:
        return BitReader(payload[2:]).ue()
    bits = BitReader(payload[2:])
    _skip_to_hevc_id(bits)
    return bits.ue()


def free_id(codec: str, sets: Sequence[bytes]) -> int | None:
    """The smallest number but 0 that no set has; None where there is none."""
    taken = {set_id(codec, unit) for unit in sets}
    return next((number for number in range(1, _IDS[codec]) if number not in taken), None)


def facts_of(codec: str, sets: Sequence[bytes]) -> list[SequenceFacts]:
    """What the sequence parameter sets say. Raises ValueError for one that cannot be read."""
    read = _h264_facts if codec == "h264" else _hevc_facts
    return [read(unescaped(unit)) for unit in sets if unit_type(codec, unit) == _SPS[codec]]


def units_of_record(codec: str, record: bytes) -> tuple[list[bytes], int]:
    """The units that a stream's record holds, and the length size of its packets; 0 for start codes.

    Raises ValueError where it cannot be read.
    """
    if not record or record[0] != 1:
        return units_of(record, 0), 0
    return _h264_units(record) if codec == "h264" else _hevc_units(record)


def record_of(codec: str, units: Sequence[bytes]) -> bytes:
    """The record of a stream whose packets are those of `packet_of`. The first sequence parameter set describes it."""
    facts = facts_of(codec, units)[0]
    return _avcc(facts, units) if codec == "h264" else _hvcc(facts, units)


def _h264_facts(payload: bytes) -> SequenceFacts:
    profile, bits = payload[1:4], BitReader(payload[4:])
    bits.ue()
    chroma, luma_bits, chroma_bits = 1, 8, 8
    if profile[0] in _H264_HIGH:
        chroma = bits.ue()
        if chroma == 3:
            bits.flag()
        luma_bits, chroma_bits = 8 + bits.ue(), 8 + bits.ue()
        bits.flag()
        if bits.flag():
            _skip_h264_scaling(bits, 8 if chroma != 3 else 12)
    bits.ue()
    order = bits.ue()
    if order == 0:
        bits.ue()
    elif order == 1:
        bits.flag()
        bits.se()
        bits.se()
        for _ in range(bits.ue()):
            bits.se()
    held = bits.ue()
    bits.flag()
    bits.ue()
    bits.ue()
    return SequenceFacts(profile, chroma, luma_bits, chroma_bits, held, fields=not bits.flag())


def _skip_h264_scaling(bits: BitReader, lists: int) -> None:
    for number in range(lists):
        if not bits.flag():
            continue
        last = following = 8
        for _ in range(16 if number < 6 else 64):
            if following:
                following = (last + bits.se()) % 256
            last = following or last


def _skip_to_hevc_id(bits: BitReader) -> tuple[int, bool, bytes]:
    """The layers of time, whether they are nested, and the profile: what stands before a set's id (7.3.2.2)."""
    bits.bits(4)
    layers, nested = bits.bits(3) + 1, bits.flag()
    size = PROFILE_BYTES["hevc"]
    profile = bits.bits(8 * size).to_bytes(size)
    told = [(bits.flag(), bits.flag()) for _ in range(layers - 1)]
    if layers > 1:
        bits.bits(2 * (9 - layers))
    for has_profile, has_level in told:
        bits.bits(88 * has_profile + 8 * has_level)
    return layers, nested, profile


def _hevc_facts(payload: bytes) -> SequenceFacts:
    bits = BitReader(payload[2:])
    layers, nested, profile = _skip_to_hevc_id(bits)
    bits.ue()
    chroma = bits.ue()
    if chroma == 3:
        bits.flag()
    bits.ue()
    bits.ue()
    if bits.flag():
        for _ in range(4):
            bits.ue()
    luma_bits, chroma_bits = 8 + bits.ue(), 8 + bits.ue()
    bits.ue()
    held = 0
    for _ in range(layers if bits.flag() else 1):
        held = bits.ue() + 1
        bits.ue()
        bits.ue()
    return SequenceFacts(profile, chroma, luma_bits, chroma_bits, held, layers=layers, nested=nested)


def _h264_units(record: bytes) -> tuple[list[bytes], int]:
    units: list[bytes] = []
    position = 5
    for mask in (31, 255):
        position, found = _taken(record, position + 1, record[position] & mask)
        units += found
    return units, (record[4] & 3) + 1


def _hevc_units(record: bytes) -> tuple[list[bytes], int]:
    units: list[bytes] = []
    position = 23
    for _ in range(record[22]):
        count = int.from_bytes(record[position + 1 : position + 3])
        position, found = _taken(record, position + 3, count)
        units += found
    return units, (record[21] & 3) + 1


def _taken(record: bytes, position: int, count: int) -> tuple[int, list[bytes]]:
    """`count` units from `position` on, and where they end."""
    units = []
    for _ in range(count):
        begin = position + 2
        position = begin + int.from_bytes(record[position:begin])
        if begin == position or position > len(record):
            raise ValueError("a record of parameter sets ends too early")
        units.append(record[begin:position])
    return position, units


def _stored(units: Sequence[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(2) + unit for unit in units)


def _avcc(facts: SequenceFacts, units: Sequence[bytes]) -> bytes:
    sequences, pictures = (
        [unit for unit in units if unit_type("h264", unit) == kind] for kind in SETS["h264"]
    )
    head = bytes([1, *facts.profile, 0xFC | (LENGTH_SIZE - 1), 0xE0 | len(sequences)])
    record = head + _stored(sequences) + bytes([len(pictures)]) + _stored(pictures)
    if facts.profile[0] in _H264_HIGH - {44}:
        record += bytes(
            [0xFC | facts.chroma, 0xF8 | (facts.luma_bits - 8), 0xF8 | (facts.chroma_bits - 8), 0]
        )
    return record


def _hvcc(facts: SequenceFacts, units: Sequence[bytes]) -> bytes:
    time = facts.layers << 3 | facts.nested << 2 | (LENGTH_SIZE - 1)
    depths = [0xFC | facts.chroma, 0xF8 | (facts.luma_bits - 8), 0xF8 | (facts.chroma_bits - 8)]
    head = bytes([1, *facts.profile, 0xF0, 0, 0xFC, *depths, 0, 0, time])
    arrays = []
    for kind in (*SETS["hevc"], *_HEVC_SEI):
        of_kind = [unit for unit in units if unit_type("hevc", unit) == kind]
        if of_kind:
            complete = 0x80 if kind in SETS["hevc"] else 0
            arrays.append(bytes([complete | kind]) + len(of_kind).to_bytes(2) + _stored(of_kind))
    return head + bytes([len(arrays)]) + b"".join(arrays)
